#include "text.h"

#include <stdbool.h>
#include <string.h>

enum { REPLACEMENT = 0xfffd };

// Reads one character of UTF-8, in its shortest form, no surrogate. Returns how
// many bytes it takes; a byte that begins none is one REPLACEMENT.
static size_t decode(const char *text, size_t left, uint32_t *character) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char *bytes = (const unsigned char *)text;
  *character = bytes[0];
  if (bytes[0] < 0x80)
    return 1;
  *character = REPLACEMENT;
  size_t count = bytes[0] >= 0xf0   ? 4
                 : bytes[0] >= 0xe0 ? 3
                 : bytes[0] >= 0xc0 ? 2
                                    : 0;
  if (count == 0 || count > left || bytes[0] > 0xf4)
    return 1;
  uint32_t found = bytes[0] & (0x7fU >> count);
  for (size_t i = 1; i < count; i++) {
    if ((bytes[i] & 0xc0) != 0x80)
      return 1;
    found = found << 6 | (bytes[i] & 0x3f);
  }
  if (found < least[count] || found > 0x10ffff ||
      (found >= 0xd800 && found <= 0xdfff))
    return 1;
  *character = found;
  return count;
}

static void put_utf8(FILE *file, uint32_t character) {
  if (character < 0x80) {
    fputc((int)character, file);
  } else if (character < 0x800) {
    fputc((int)(0xc0 | character >> 6), file);
    fputc((int)(0x80 | (character & 0x3f)), file);
  } else if (character < 0x10000) {
    fputc((int)(0xe0 | character >> 12), file);
    fputc((int)(0x80 | (character >> 6 & 0x3f)), file);
    fputc((int)(0x80 | (character & 0x3f)), file);
  } else {
    fputc((int)(0xf0 | character >> 18), file);
    fputc((int)(0x80 | (character >> 12 & 0x3f)), file);
    fputc((int)(0x80 | (character >> 6 & 0x3f)), file);
    fputc((int)(0x80 | (character & 0x3f)), file);
  }
}

static void put_xml(FILE *file, uint32_t character) {
  switch (character) {
  case '&':
    fputs("&amp;", file);
    return;
  case '<':
    fputs("&lt;", file);
    return;
  case '>':
    fputs("&gt;", file);
    return;
  case '"':
    fputs("&quot;", file);
    return;
  case '\'':
    fputs("&#39;", file);
    return;
  case '\n':
    fputs("&#10;", file); // As it is, an attribute would make it a space.
    return;
  case '\t':
    fputs("&#9;", file);
    return;
  case 0x7f:
    put_utf8(file, 0x2421);
    return;
  default:
    break;
  }
  if (character < 0x20)
    put_utf8(file, 0x2400 + character);
  else if ((character >= 0x80 && character < 0xa0) ||
           (character & 0xfffe) == 0xfffe)
    put_utf8(file, REPLACEMENT); // More controls, and what is no character.
  else
    put_utf8(file, character);
}

void far_text_xml_part(FILE *file, const char *text, size_t bytes) {
  size_t length = strlen(text), at = 0;
  while (at < length && at < bytes) {
    uint32_t character;
    at += decode(text + at, length - at, &character);
    put_xml(file, character);
  }
  if (at < length)
    fputs(" ...", file);
}

void far_text_xml(FILE *file, const char *text) {
  far_text_xml_part(file, text, SIZE_MAX);
}

void far_text_json(FILE *file, const char *text) {
  size_t length = strlen(text);
  fputc('"', file);
  for (size_t at = 0; at < length;) {
    uint32_t character;
    at += decode(text + at, length - at, &character);
    if (character == '"' || character == '\\')
      fprintf(file, "\\%c", (char)character);
    else if (character == '\n')
      fputs("\\n", file);
    else if (character == '\t')
      fputs("\\t", file);
    else if (character < 0x20 || character == '<' || character == 0x7f ||
             character == 0x2028 || character == 0x2029)
      fprintf(file, "\\u%04x", (unsigned)character);
    else
      put_utf8(file, character);
  }
  fputc('"', file);
}

size_t far_text_line(FILE *file, const char *text, size_t columns) {
  size_t length = strcspn(text, "\n"), at = 0, width = 0;
  bool is_all = text[length] == '\0';
  while (at < length) {
    uint32_t character;
    size_t bytes = decode(text + at, length - at, &character);
    if (width + 1 >= columns && at + bytes < length) {
      is_all = false;
      break;
    }
    at += bytes;
    width++;
    if (character < 0x20)
      put_utf8(file, 0x2400 + character);
    else if (character >= 0x7f && character < 0xa0)
      put_utf8(file, REPLACEMENT);
    else
      put_utf8(file, character);
  }
  if (!is_all)
    put_utf8(file, 0x2026);
  return width + !is_all;
}

size_t far_text_width(const char *text) {
  size_t width = 0;
  for (; *text; text++)
    width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}
