#include "policy.h"

#include "duration.h"
#include "policy_values.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const profile_names[FAR_PROFILES] = {"ios", "android",
                                                        "strict", "desktop"};

bool far_profile_find(const char *name, far_profile *profile) {
  for (size_t i = 0; i < FAR_PROFILES; i++)
    if (strcmp(name, profile_names[i]) == 0) {
      *profile = (far_profile)i;
      return true;
    }
  return false;
}

const char *far_profile_name(far_profile profile) {
  return profile_names[profile];
}

const char *far_constant_name(far_constant constant) {
  static const char *const names[] = {
#define FAR_CONSTANT(id, name, unit, tighter) #name,
      FAR_CONSTANT_MAP(FAR_CONSTANT)
#undef FAR_CONSTANT
  };
  return names[constant];
}

const char *far_constant_unit(far_constant constant) {
  static const char *const units[] = {
#define FAR_CONSTANT(id, name, unit, tighter) unit,
      FAR_CONSTANT_MAP(FAR_CONSTANT)
#undef FAR_CONSTANT
  };
  return units[constant];
}

far_tighter far_constant_tighter(far_constant constant) {
  static const far_tighter tighter_ones[] = {
#define FAR_CONSTANT(id, name, unit, tighter) FAR_TIGHTER_##tighter,
      FAR_CONSTANT_MAP(FAR_CONSTANT)
#undef FAR_CONSTANT
  };
  return tighter_ones[constant];
}

far_strict far_constant_strict(far_constant constant) {
  return far_policy_rows[constant].strict;
}

const char *far_constant_what(far_constant constant) {
  return far_policy_rows[constant].what;
}

// "tasks", and not "per hour".
static bool is_plural(const char *unit) {
  return strchr(unit, ' ') == NULL && unit[strlen(unit) - 1] == 's';
}

void far_constant_text(far_constant constant, int64_t value, char *text,
                       size_t bytes) {
  const char *unit = far_constant_unit(constant);
  if (strcmp(unit, "ms") == 0)
    far_duration_print((uint64_t)value, text, bytes);
  else if (strcmp(unit, "bool") == 0)
    snprintf(text, bytes, "%s", value ? "yes" : "no");
  else if (strcmp(unit, "scope") == 0)
    snprintf(text, bytes, "%s", value ? "app" : "task");
  else
    snprintf(text, bytes, "%" PRId64 " %.*s", value,
             (int)strlen(unit) - (value == 1 && is_plural(unit)), unit);
}

const char *far_mark_name(far_mark mark) {
  static const char *const names[] = {"absent", "documented", "secondary",
                                      "assumed"};
  return names[mark];
}

static const far_value *strict_value(const far_policy_row *row) {
  static const far_value absent = {
      0, FAR_ABSENT, "only one OS has it: it is not to be relied on"};
  switch (row->strict) {
  case FAR_STRICT_IOS:
  case FAR_STRICT_BOTH:
    return &row->ios;
  case FAR_STRICT_ANDROID:
    return &row->android;
  case FAR_STRICT_ABSENT:
    break;
  }
  return &absent;
}

const far_value *far_policy_value(far_profile profile, far_constant constant) {
  const far_policy_row *row = &far_policy_rows[constant];
  switch (profile) {
  case FAR_PROFILE_IOS:
    return &row->ios;
  case FAR_PROFILE_ANDROID:
    return &row->android;
  case FAR_PROFILE_STRICT:
    return strict_value(row);
  default:
    return &row->desktop;
  }
}

int64_t far_policy_get(far_profile profile, far_constant constant) {
  return far_policy_value(profile, constant)->value;
}

int64_t far_policy_exec_end_ms(far_profile profile) {
  return far_policy_get(profile, FAR_EXEC_BUDGET) -
         far_policy_get(profile, FAR_EXPIRY_LEAD) +
         far_policy_get(profile, FAR_EXPIRY_HANDLER_KILL);
}

int64_t far_policy_warning_ms(far_profile profile, int64_t budget_ms) {
  int64_t warning_ms = far_policy_get(profile, FAR_EXPIRY_HANDLER_KILL);
  return warning_ms < budget_ms / 5 ? warning_ms : budget_ms / 5;
}
