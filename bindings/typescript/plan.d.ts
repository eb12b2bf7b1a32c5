/** @noSelfInFile */

// The globals of a plan: /// <reference types="@farside/core/plan" />

declare const phone: import('./device').Phone;

/** Notes a failure when the value is not true, and goes on; returns the value. */
declare function expect<T>(value: T, message?: string): T;
