// A thread that wakes up on time, though others compute.
//
// A system lets who computes go on for a while before it looks who else wants
// to: a few milliseconds, and with two processors that is seldom, but it is the
// worst. It also wakes a thread up to 50 µs later than asked, to wake several
// at once. Whoever has only a glance to take can ask to be let in at once.
#ifndef FAR_PUNCTUAL_H
#define FAR_PUNCTUAL_H

// Asks for that, for the thread that calls it. Where the system cannot do it
// (Linux before 6.12, others), all stays as it was.
void far_be_punctual(void);

#endif
