// Places: which addresses of the network are public, and who may reach others.
//
// A name can lead anywhere: somebody else's name server may say that
// files.example.com is 127.0.0.1, and then a script that was granted no more
// than that name talks to what listens on this machine. So what counts is the
// address that is really connected to. One that is not public takes a pattern
// that says so by itself: localhost, an address in digits, or a name that no
// public server answers for.
#ifndef FAR_PLACE_H
#define FAR_PLACE_H

#include "pattern.h"

struct sockaddr;

typedef enum far_place {
  FAR_PLACE_PUBLIC = 1,
  FAR_PLACE_PRIVATE = 2,  // Of this house: 10.0.0.0/8, fc00::/7, and so on.
  FAR_PLACE_LOOPBACK = 4, // This machine.
  FAR_PLACE_OTHER = 8     // Link-local, multicast, reserved, no IP at all.
} far_place;

enum { FAR_PLACES_ALL = 15 };

far_place far_place_of(const struct sockaddr *address);

// The same for an address as text; FAR_PLACE_OTHER where it is none.
far_place far_place_of_text(const char *address);

// Which places a pattern opens, as a set.
unsigned far_places_named(const far_pattern *pattern);

// "on this machine", for a sentence about what was refused.
const char *far_place_text(far_place place);

#endif
