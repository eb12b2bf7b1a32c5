// The process of one script under `farside run --isolate`: a host with a single
// script, whose OS is the process that started it.
//
// It is the same program, started with the command ISOLATED_COMMAND and one end
// of the wire as file FAR_WIRE_FD. What it hears comes from there, and all that
// its script says goes there; see wire.h. Before it reads the script it gives
// up what a script never needs; see confine.h. A trusted script gives up
// nothing but the terminal: it has a session of its own, which no key reaches.
#ifndef FAR_ISOLATED_H
#define FAR_ISOLATED_H

#define FAR_ISOLATED_COMMAND "__isolated"

// Runs until the script has ended, and returns the exit code.
int far_isolated_run(void);

#endif
