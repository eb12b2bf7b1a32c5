/** @noSelfInFile */

// What a spec in TypeScript needs of busted, and the matchers of Farside:
// import '@farside/core/busted';

declare function describe(name: string, fn: () => void): void;
declare function it(name: string, fn: () => void): void;
declare function before_each(fn: () => void): void;
declare function after_each(fn: () => void): void;

/** @noSelf */
interface BustedAssert {
  /** The task was finished. */
  finished(task: import('./device').PastTask | undefined, phone?: import('./device').Phone): void;
  /** The task is in this state. */
  task_state(
    task: import('./device').PastTask | undefined, state: import('./index').TaskState, phone?: import('./device').Phone
  ): void;
  /** No task leaked, but those that were finished after all. */
  no_leaks(phone: import('./device').Phone): void;
  /** No rule was broken that is more than a warning. */
  no_violations(phone: import('./device').Phone): void;
  equal(wanted: unknown, got: unknown, message?: string): void;
  same(wanted: unknown, got: unknown, message?: string): void;
  matches(pattern: string, got: unknown): void;
  truthy(value: unknown, message?: string): void;
  falsy(value: unknown, message?: string): void;
  is_not: BustedAssert;
  (value: unknown, message?: unknown): asserts value;
}

declare const assert: BustedAssert;
