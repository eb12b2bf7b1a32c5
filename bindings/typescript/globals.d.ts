/** @noSelfInFile */

// What a hosted script has as globals, and Capacitor's name for the module.

declare module '@capacitor/core' {
  export * from '@farside/core';
}

/** Calls a function once, after some milliseconds. */
declare function setTimeout<A extends unknown[]>(
  fn: (...args: A) => void, ms?: number, ...args: A
): import('@farside/core').TimerId;
/** Calls a function every so many milliseconds, until it is cleared. */
declare function setInterval<A extends unknown[]>(
  fn: (...args: A) => void, ms?: number, ...args: A
): import('@farside/core').TimerId;
/** Cancels a timer; harmless for undefined and for one that has fired. */
declare function clearTimeout(id?: import('@farside/core').TimerId): void;
/** The same function as clearTimeout. */
declare function clearInterval(id?: import('@farside/core').TimerId): void;
/** Writes to the timeline, as Log.info. */
declare function print(...values: unknown[]): void;

/** Log, under the name that a browser has for it. */
declare const console: {
  log(this: void, ...values: unknown[]): void;
  info(this: void, ...values: unknown[]): void;
  debug(this: void, ...values: unknown[]): void;
  warn(this: void, ...values: unknown[]): void;
  error(this: void, ...values: unknown[]): void;
};
