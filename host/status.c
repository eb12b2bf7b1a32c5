// Every expected failure has a number, a name and a sentence: the list is
// FARSIDE_STATUS_MAP in farside.h.

#include "farside.h"

static const struct {
  const char *name, *text;
} statuses[] = {
#define FARSIDE_STATUS(code, name, text) [code] = {#name, text},
    FARSIDE_STATUS_MAP(FARSIDE_STATUS)
#undef FARSIDE_STATUS
};

static bool is_status(farside_status status) {
  return (size_t)status < sizeof statuses / sizeof *statuses;
}

const char *farside_status_text(farside_status status) {
  return is_status(status) ? statuses[status].text : "unknown status";
}

const char *farside_status_name(farside_status status) {
  return is_status(status) ? statuses[status].name : "UNKNOWN";
}

const char *farside_version(void) {
  return FARSIDE_VERSION;
}

unsigned farside_abi(void) {
  return FARSIDE_ABI;
}
