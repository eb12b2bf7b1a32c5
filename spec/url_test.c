// URLs and the places behind them, by themselves: what is read, where an answer
// leads, and which addresses are public.

#include "check.h"
#include "place.h"
#include "url.h"

#include <stdio.h>
#include <string.h>

static void test_reading(void) {
  static const struct {
    const char *text, *url; // NULL: it is none.
  } cases[] = {
      {"https://a.example.com", "https://a.example.com/"},
      {"HTTPS://a.example.com/X", "https://a.example.com/X"},
      {"http://a:8080/x?y=*z", NULL},
      {"http://a:8080/x?y=%2Az", "http://a:8080/x?y=%2Az"},
      {"http://a/%2e%2e/x", NULL},
      {"http://a/./x", NULL},
      {"http://a?x", NULL},
      {"http://me@a/", NULL},
      {"http://a/#x", NULL},
      {"http://a\\@b/", NULL},
      {"http://[::1]/", NULL},
      {"http://a b/", NULL},
      {"http:///x", NULL},
      {"http://a:0/", NULL},
      {"http://a:65536/", NULL},
      {"//a/", NULL},
      {"gopher://a/", NULL},
      {"javascript:1", NULL},
      {"", NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char room[FAR_URL_BYTES];
    far_url url;
    const char *fault = far_url_read(cases[i].text, room, &url);
    check_in((fault == NULL) == (cases[i].url != NULL), cases[i].text);
    if (fault == NULL && cases[i].url != NULL)
      check_in(strcmp(url.text, cases[i].url) == 0, cases[i].text);
  }
}

static void test_following(void) {
  static const struct {
    const char *location, *url;
  } cases[] = {
      {"", "https://a.example.com:444/b/c?d"},
      {"e", "https://a.example.com:444/b/e"},
      {"./e", "https://a.example.com:444/b/e"},
      {"../e", "https://a.example.com:444/e"},
      {"../../../e/", "https://a.example.com:444/e/"},
      {"..", "https://a.example.com:444/"},
      {".", "https://a.example.com:444/b/"},
      {"/e/./f/../g", "https://a.example.com:444/e/g"},
      {"/e/..", "https://a.example.com:444/"},
      {"?e", "https://a.example.com:444/b/c?e"},
      {"#e", "https://a.example.com:444/b/c?d"},
      {"e?f/../g#h", "https://a.example.com:444/b/e?f/../g"},
      {"//f.example.com", "https://f.example.com/"},
      {"//f.example.com/../x", "https://f.example.com/x"},
      {"http://g/h#i", "http://g/h"},
      {"HTTP://g", "http://g/"},
      {"e:f", NULL},
      {"mailto:x@example.com", NULL},
      {"file:///etc/passwd", NULL},
      {"//me@f.example.com/", NULL},
      {"/a b", NULL},
      {"/%2e%2E/x", NULL},
      {"/\\evil.example.com", NULL},
      {"https://*.example.com/", NULL},
  };
  char base_room[FAR_URL_BYTES];
  far_url base;
  check_in(far_url_read("https://a.example.com:444/b/c?d", base_room, &base) ==
               NULL,
           "the base");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char room[FAR_URL_BYTES];
    far_url url;
    const char *fault = far_url_follow(&base, cases[i].location, room, &url);
    bool is_right = cases[i].url == NULL
                        ? fault != NULL
                        : fault == NULL && strcmp(url.text, cases[i].url) == 0;
    check_in(is_right, cases[i].location);
    if (!is_right && fault == NULL)
      printf("went to %s\n", url.text);
  }
}

static void test_lengths(void) {
  static char text[2 * FAR_URL_BYTES], room[FAR_URL_BYTES];
  far_url base, url;
  memset(text, 'a', sizeof text - 1);
  memcpy(text, "http://h/", 9);
  check_in(far_url_read(text, room, &url) != NULL, "a URL that is too long");
  text[FAR_URL_BYTES - 2] = '\0';
  check_in(far_url_read(text, room, &base) == NULL, "the longest URL");
  static char other[FAR_URL_BYTES];
  check_in(far_url_follow(&base, "/b", other, &url) == NULL,
           "back to a short one");
  check_in(far_url_follow(&base, "?b", other, &url) != NULL,
           "and a longer one");
  check_in(!far_url_is_same_origin(&base, &url) ||
               strncmp(url.text, "http://h/", 9) == 0,
           "an origin");
}

static void test_places(void) {
  static const struct {
    const char *address;
    far_place place;
  } cases[] = {
      {"8.8.8.8", FAR_PLACE_PUBLIC},
      {"127.0.0.1", FAR_PLACE_LOOPBACK},
      {"127.255.0.3", FAR_PLACE_LOOPBACK},
      {"0.0.0.0", FAR_PLACE_LOOPBACK},
      {"10.1.2.3", FAR_PLACE_PRIVATE},
      {"172.15.0.1", FAR_PLACE_PUBLIC},
      {"172.16.0.1", FAR_PLACE_PRIVATE},
      {"172.31.255.255", FAR_PLACE_PRIVATE},
      {"172.32.0.1", FAR_PLACE_PUBLIC},
      {"192.168.0.1", FAR_PLACE_PRIVATE},
      {"100.64.0.1", FAR_PLACE_PRIVATE},
      {"100.128.0.1", FAR_PLACE_PUBLIC},
      {"169.254.169.254", FAR_PLACE_OTHER},
      {"224.0.0.1", FAR_PLACE_OTHER},
      {"255.255.255.255", FAR_PLACE_OTHER},
      {"::", FAR_PLACE_LOOPBACK},
      {"::1", FAR_PLACE_LOOPBACK},
      {"::ffff:127.0.0.1", FAR_PLACE_LOOPBACK},
      {"::ffff:10.0.0.1", FAR_PLACE_PRIVATE},
      {"::ffff:8.8.8.8", FAR_PLACE_PUBLIC},
      {"::127.0.0.1", FAR_PLACE_LOOPBACK},
      {"64:ff9b::7f00:1", FAR_PLACE_LOOPBACK},
      {"64:ff9b::808:808", FAR_PLACE_PUBLIC},
      {"2002:7f00:1::", FAR_PLACE_LOOPBACK},
      {"2002:808:808::1", FAR_PLACE_PUBLIC},
      {"fc00::1", FAR_PLACE_PRIVATE},
      {"fdff::1", FAR_PLACE_PRIVATE},
      {"fe80::1", FAR_PLACE_OTHER},
      {"ff02::1", FAR_PLACE_OTHER},
      {"2001:4860:4860::8888", FAR_PLACE_PUBLIC},
      {"2001::1", FAR_PLACE_OTHER},
      {"2001:db8::1", FAR_PLACE_OTHER},
      {"4000::1", FAR_PLACE_OTHER},
      {"localhost", FAR_PLACE_OTHER},
      {"", FAR_PLACE_OTHER},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check_in(far_place_of_text(cases[i].address) == cases[i].place,
             cases[i].address);
}

static void test_names(void) {
  enum { NONE = FAR_PLACE_PUBLIC };
  static const struct {
    const char *pattern;
    unsigned places;
  } cases[] = {
      {"https://api.example.com/*", NONE},
      {"https://*.example.com/*", NONE},
      {"https://localhost.example.com/*", NONE},
      {"https://notlocalhost.com/*", NONE},
      {"http://localhost/*", NONE | FAR_PLACE_LOOPBACK},
      {"http://LocalHost:8080/*", NONE | FAR_PLACE_LOOPBACK},
      {"http://*.localhost/*", NONE | FAR_PLACE_LOOPBACK},
      {"http://127.0.0.1/*", NONE | FAR_PLACE_LOOPBACK},
      {"http://10.0.0.7/*", NONE | FAR_PLACE_PRIVATE},
      {"http://169.254.169.254/*", NONE | FAR_PLACE_OTHER},
      {"http://nas/*", NONE | FAR_PLACE_PRIVATE},
      {"http://nas.local/*", NONE | FAR_PLACE_PRIVATE},
      {"http://*.internal/*", NONE | FAR_PLACE_PRIVATE},
      {"http://router.home.arpa/*", NONE | FAR_PLACE_PRIVATE},
      // No address, though a resolver may take it for one.
      {"http://127.1/*", NONE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    far_pattern pattern;
    check_in(far_pattern_read(cases[i].pattern, &pattern) == NULL &&
                 far_places_named(&pattern) == cases[i].places,
             cases[i].pattern);
  }
}

int main(void) {
  test_reading();
  test_following();
  test_lengths();
  test_places();
  test_names();
  return check_end();
}
