// Machine: what this computer is like, as far as work may depend on it.
//
// What cannot be found out stands in nobody's way: without a battery there is
// power, and where a system does not say how it is connected, it is. Nobody
// tells a program which network costs money, or that nobody is there: a network
// is one without a price, and the machine is in use.
#ifndef FAR_MACHINE_H
#define FAR_MACHINE_H

#include "platform.h"

// `path` is on the disk that must have room: a twentieth of it, or half a
// gigabyte, is enough.
void far_machine_conditions(const char *path, farside_conditions *now);

// The power, as the files below a folder say (/sys/class/power_supply).
void far_machine_power(const char *folder, farside_conditions *now);

#endif
