// Text of scripts in files that others read: any bytes go in, and what comes
// out is valid. Bytes that are no UTF-8 become U+FFFD.
#ifndef FAR_TEXT_H
#define FAR_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// Writes text between XML or HTML tags, or inside the quotes of an attribute.
// Control characters, which XML does not have, become their pictures: U+2400.
void far_text_xml(FILE *file, const char *text);

// Writes a JSON string with its quotes. There is no "<" in it, so that it may
// also stand inside an HTML page.
void far_text_json(FILE *file, const char *text);

// The same without quotes and only the first `bytes` bytes at most; "..." tells
// of more. For marks that have little room.
void far_text_xml_part(FILE *file, const char *text, size_t bytes);

// The first line of text as far as `columns` go, for a terminal: control
// characters, which could make it do anything, become their pictures; "…" tells
// of more. Returns how many columns that took.
size_t far_text_line(FILE *file, const char *text, size_t columns);

// How many columns text takes: characters, not bytes.
size_t far_text_width(const char *text);

#endif
