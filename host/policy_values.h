// The values of every profile, for policy.c alone: others ask far_policy_value.
#ifndef FAR_POLICY_VALUES_H
#define FAR_POLICY_VALUES_H

#include "policy.h"

// `strict` has no values of its own: each is of the OS that is tighter.
typedef struct far_policy_row {
  const char *what;
  far_value ios, android;
  far_strict strict;
  far_value desktop;
} far_policy_row;

extern const far_policy_row far_policy_rows[FAR_CONSTANTS];

#endif
