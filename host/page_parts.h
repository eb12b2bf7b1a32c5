// The sources of the page, as the build puts them into the program: see
// host/embed.cmake.
#ifndef FAR_PAGE_PARTS_H
#define FAR_PAGE_PARTS_H

#include <stddef.h>

extern const unsigned char far_page_html[], far_page_css[], far_page_js[],
    far_picture_css[];
extern const size_t far_page_html_bytes, far_page_css_bytes, far_page_js_bytes,
    far_picture_css_bytes;

#endif
