/** @noSelfInFile */
/// <reference path="./globals.d.ts" />

// What a script in TypeScript sees of Farside. docs/typescript.md is the guide,
// docs/reference.md says what each function does.

// -- Words --------------------------------------------------------------------

/** The code of a failure: why a FarsideError was thrown. */
export type Status =
  | 'OK' | 'NOMEM' | 'INVALID' | 'NOTASK' | 'FINISHED' | 'EXPIRED' | 'LIMIT' | 'BUSY' | 'CLOSED' | 'NOFILE'
  | 'SYNTAX' | 'SCRIPT' | 'UNSUPPORTED' | 'INTERRUPTED' | 'SYSTEM' | 'KILLED' | 'DENIED' | 'NOSCRIPT' | 'NOWORK'
  | 'STORE' | 'FULL' | 'READONLY' | 'CORRUPT' | 'LOCKED' | 'NEWER' | 'STALE' | 'NETWORK' | 'TIMEOUT' | 'TLS'
  | 'NOCALL';

/** What failed, for a reason that a correct script must expect. The plugins of an engine have names of their own. */
export class FarsideError extends Error {
  readonly code: Status | (string & {});
}

type Unit = 'ms' | 's' | 'm' | 'h' | 'd';
type One = `${number}${Unit}`;

/** A time with its units, such as '500ms', '20s' or '1h30m'. */
export type Duration = One | `${One}${One}` | `${One}${One}${One}`;

declare const brand: unique symbol;

/** Names one task; what exec returns. */
export type TaskId = number & { readonly [brand]: 'task' };

/** Names one unit of durable work. */
export type WorkId = number & { readonly [brand]: 'work' };

/** Names one timer; what setTimeout returns. */
export type TimerId = number & { readonly [brand]: 'timer' };

/** Names one request that has a function. */
export type RequestId = number & { readonly [brand]: 'request' };

/** Where an app is in its life; a script never sees 'gone'. */
export type AppState = 'active' | 'inactive' | 'background' | 'suspended' | 'gone';

/** Where a task is in its life. */
export type TaskState = 'pending' | 'running' | 'finished' | 'failed' | 'expired' | 'cancelled';

/** Names one listener. */
export interface Handle {
  /** Removes it; harmless when it is removed already. */
  remove(): void;
}

// -- App ----------------------------------------------------------------------

/** What happens to an app, and what its listeners are told. */
export interface AppEvents {
  appStateChange: { isActive: boolean };
  pause: undefined;
  resume: undefined;
  launch: { reason: string; why?: string };
  appUrlOpen: { url: string; [field: string]: unknown };
  appRestoredResult: { pluginId: string; methodName: string; [field: string]: unknown };
  backButton: { canGoBack: boolean };
  wake: { reason: string; budgetMs: number };
  memoryWarning: { level: string };
  storeFault: { name: Status; message: string };
  message: { from: string; data: unknown };
  terminate: { reason: string; graceMs: number };
}

/**
 * The app's life.
 * @noSelf
 */
export interface App {
  /** Calls a function each time an event happens. */
  addListener<E extends keyof AppEvents>(event: E, fn: (payload: AppEvents[E]) => void): Handle;
  /** The same function: the older spelling. */
  addEventListener<E extends keyof AppEvents>(event: E, fn: (payload: AppEvents[E]) => void): Handle;
  /** Calls a function the next time an event happens, and only then. */
  once<E extends keyof AppEvents>(event: E, fn: (payload: AppEvents[E]) => void): Handle;
  /** Removes all listeners of this script, or those of one event. */
  removeAllListeners(event?: keyof AppEvents): void;
  /** Tells in which state the app is now. */
  getState(): { isActive: boolean; state: AppState };
  /** Tells what the app is called; unknown fields are empty strings. */
  getInfo(): { name: string; id: string; build: string; version: string };
  /** Tells with which URL the app was launched, if with one. */
  getLaunchUrl(): { url: string } | undefined;
  /** Ends the app as soon as its open tasks have ended or their grace is over. */
  exitApp(): void;
  /** Sends the app to the background; undefined where the OS does not let it. */
  minimizeApp(): true | undefined;
}

// -- BackgroundTask -----------------------------------------------------------

/** A task, as its closure and its onExpire get it. */
export interface Task {
  readonly taskId: TaskId;
  readonly name?: string;
  /** Ends this task; undefined where it has ended already. */
  finish(): true | undefined;
  /** Sets what is called shortly before its end; undefined where it has ended. */
  onExpire(fn: (task: Task) => void | Promise<void>): true | undefined;
  /** Milliseconds until the host ends it: Infinity while its budget does not run. */
  remaining(): number;
}

/** @noSelf */
export interface ExecOptions {
  /** Shown in the timeline. */
  name?: string;
  /** The most time in the background that it wants. */
  budget?: Duration;
  /** Runs shortly before the end. */
  onExpire?: (task: Task) => void | Promise<void>;
}

/** One open task, as BackgroundTask.list() shows it. */
export interface OpenTask {
  taskId: TaskId;
  name?: string;
  origin: string;
  state: TaskState;
  ageMs: number;
  remainingMs: number;
}

/** What JSON can hold. */
export type Json = boolean | number | string | undefined | readonly Json[] | { readonly [key: string]: Json } | object;

/** One run of durable work. */
export interface Context<Input = any> {
  readonly id: WorkId;
  readonly kind: string;
  readonly input: Input;
  /** What was saved last; an empty object before. */
  readonly checkpoint: any;
  /** From 1 up. */
  readonly attempt: number;
  /** The same in each attempt, and of no other work. */
  readonly key: string;
  /** What those of `after` have returned, by their ids. */
  readonly parents: { readonly [id: number]: unknown };
  readonly unique?: string;
  readonly slotMs?: number;
  /** Keeps a checkpoint: the next run goes on from there. */
  save(value: Json): Promise<true>;
  /** Tells how far it is; cheap, and may be lost. */
  progress(value: Json): Promise<true>;
  /** Whether the run has to come to an end now. */
  stopping(): boolean;
  /** This attempt has failed: `return ctx.retry()`. */
  retry(delay?: Duration, why?: string): void;
  /** It has failed for good: `return ctx.fail('the account is gone')`. */
  fail(why?: string): void;
}

export interface RetryRules {
  max?: number;
  base?: Duration;
  cap?: Duration;
  policy?: 'exponential' | 'linear' | 'fixed';
  jitter?: number;
}

/** @noSelf */
export interface Kind<Input = any> {
  run: (ctx: Context<Input>) => unknown;
  timeout?: Duration;
  retry?: RetryRules;
  crashes?: number;
  aliases?: string[];
}

export interface Needs {
  network?: 'none' | 'connected' | 'unmetered';
  charging?: boolean;
  batteryOk?: boolean;
  storageOk?: boolean;
  idle?: boolean;
}

export interface EnqueueOptions {
  unique?: string;
  existing?: 'keep' | 'replace' | 'update' | 'append' | 'append_or_replace' | 'debounce';
  delay?: Duration;
  deadline?: Duration;
  needs?: Needs;
  priority?: number;
  group?: string;
  tags?: string[];
  expedited?: 'or_normal' | 'or_drop' | boolean;
  after?: WorkId | WorkId[];
  onParentFail?: 'fail' | 'run' | 'hold';
  keep?: Duration;
  durable?: boolean;
}

export interface PeriodicOptions {
  every?: Duration;
  flex?: Duration;
  cron?: string;
  zone?: string;
  missed?: 'once' | 'skip' | 'all';
  existing?: 'update' | 'keep' | 'replace';
  immediate?: boolean;
  input?: Json;
  needs?: Needs;
  priority?: number;
  group?: string;
  tags?: string[];
  keep?: Duration;
  durable?: boolean;
}

export type WorkState = 'enqueued' | 'running' | 'blocked' | 'succeeded' | 'failed' | 'cancelled';

/** What became of an enqueue. */
export interface Receipt {
  id: WorkId;
  state: WorkState;
  /** It was there already. */
  existing: boolean;
  runAtMs?: number;
  /** What was asked for and could not be had. */
  effective: {
    everyMs?: number;
    flexMs?: number;
    timeoutMs?: number;
    retryBaseMs?: number;
    retryCapMs?: number;
    expedited?: boolean;
  };
}

/** A unit of durable work. */
export interface Work {
  id: WorkId;
  kind: string;
  state: WorkState;
  reason?: string;
  why?: string;
  unique?: string;
  group?: string;
  tags: string[];
  needs: Needs;
  priority: number;
  expedited?: string;
  attempts: number;
  crashes: number;
  stops: number;
  runs: number;
  generation: number;
  enqueuedAtMs: number;
  sinceMs?: number;
  runAtMs?: number;
  deadlineMs?: number;
  parentsOpen?: number;
  periodic?: {
    everyMs?: number;
    flexMs?: number;
    cron?: string;
    zone?: string;
    missed: 'once' | 'skip' | 'all';
    slotMs: number;
    slotsMissed: number;
  };
  input?: any;
  checkpoint?: any;
  progress?: any;
  output?: any;
}

export interface WorkFilter {
  state?: WorkState;
  kind?: string;
  unique?: string;
  group?: string;
  tag?: string;
}

/** A run that has been, or goes on. */
export interface PastRun {
  attempt: number;
  outcome: 'running' | 'succeeded' | 'retry' | 'failed' | 'stopped' | 'crashed' | 'cancelled';
  why?: string;
  begunAtMs: number;
  endedAtMs?: number;
  slotMs?: number;
}

/** Something that stands in the way of work. */
export interface Obstacle {
  what: 'time' | 'need' | 'parents' | 'no_handler' | 'unique' | 'busy' | 'app' | 'ended';
  text: string;
  need?: string;
  sinceMs?: number;
  untilMs?: number;
}

/** Which work is cancelled: by one of these. */
export type CancelWhich =
  | { id: WorkId } | { unique: string } | { tag: string } | { group: string } | { kind: string } | { all: true };

/**
 * Keeps the app awake a little longer, and runs what must survive it.
 * @noSelf
 */
export interface BackgroundTask {
  /** Opens a task, which keeps the app awake, and runs its closure in a later turn. */
  exec(fn: (task: Task) => void | Promise<void>, options?: ExecOptions): TaskId;
  /** The same function: it runs the closure now, not before the exit. */
  beforeExit(fn: (task: Task) => void | Promise<void>, options?: ExecOptions): TaskId;
  /** Ends a task, so that the OS may put the app to sleep; undefined where it has ended already. */
  finish(options: { taskId: TaskId }): true | undefined;
  /** Lists the open tasks of this script, oldest first. */
  list(): OpenTask[];
  /** Milliseconds until the host ends the next open task: Infinity while budgets do not run. */
  timeRemaining(): number;
  /** Says how work of a kind runs. */
  define<Input = any>(kind: string, options: Kind<Input>): void;
  /** Writes a unit of work to the store: it runs when its time has come, whatever is killed in between. */
  enqueue(kind: string, input?: Json, options?: EnqueueOptions): Promise<Receipt>;
  /** Writes work that is enqueued again after each run. */
  periodic(name: string, kind: string, options: PeriodicOptions): Promise<Receipt>;
  /** Cancels what has not ended; gives how many. */
  cancel(which: CancelWhich): Promise<number>;
  /** Tells what is known of a unit. */
  get(id: WorkId): Work;
  /** Lists units of this script, oldest first. */
  query(filter?: WorkFilter & { limit?: number; after?: WorkId }): Work[];
  /** Lists the runs of a unit, the newest first. */
  history(id: WorkId): PastRun[];
  /** Tells everything that stands in the way of a unit. */
  explain(id: WorkId): Obstacle[] & { readonly text: string };
  /** Calls a function when something has changed, once that is in the store. */
  watch(filter: (WorkFilter & { id?: WorkId }) | undefined, fn: (work: Work) => void): Handle;
  /** Gives work that has failed or was cancelled another chance. */
  redrive(id: WorkId): Promise<true>;
  /** Forgets what has ended and nobody waits for; gives how many. */
  prune(): Promise<number>;
}

// -- Storage, Http, Files, Log ------------------------------------------------

/**
 * Values that survive the app; each script has its own.
 * @noSelf
 */
export interface Storage {
  /** Reads a value; undefined where there is none. */
  get<T = any>(key: string): T | undefined;
  /** Tells whether there is a value. */
  has(key: string): boolean;
  /** Keeps a value: it survives a kill and a loss of power when this returns. */
  set(key: string, value: NonNullable<Json>): true;
  /** Takes a value away; tells whether there was one. */
  remove(key: string): boolean;
  /** Lists the keys that begin with a prefix. */
  keys(prefix?: string): string[];
  /** Takes away all values of this script. */
  clear(): true;
  /** Calls a function whose changes are kept all together, or not at all where it throws. */
  transaction<T>(fn: () => T): T;
}

/** How far a transfer has come, in bytes of its bodies. */
export interface HttpProgress {
  sent: number;
  toSend: number;
  received: number;
  toReceive?: number;
}

/**
 * What is asked for.
 * @noSelf
 */
export interface HttpOptions {
  url: string;
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  headers?: { [name: string]: string | number };
  body?: string;
  json?: Json;
  file?: string;
  offset?: number;
  partBytes?: number;
  timeout?: Duration;
  connectTimeout?: Duration;
  stallTimeout?: Duration;
  maxBytes?: number;
  redirects?: number;
  resume?: boolean;
  onProgress?: (progress: HttpProgress) => void;
}

/**
 * What has come of a request; an answer of any status is one.
 * @noSelf
 */
export interface HttpResponse {
  status: number;
  /** Names in lower case. */
  headers: { [name: string]: string };
  url: string;
  body: string;
  /** The body as a value; throws where it is no JSON. */
  json: <T = any>() => T;
}

/** A download that is done. */
export interface HttpDownload {
  status: number;
  headers: { [name: string]: string };
  url: string;
  file: string;
  bytes: number;
  body?: string;
}

export type HttpFn<R> = (response?: R, message?: string, name?: Status) => void;

type WithFile = HttpOptions & { file: string };

/**
 * Requests that end with the task they belong to.
 * @noSelf
 */
export interface Http {
  /** Asks for something: gives a Promise, or calls a function. */
  request(options: HttpOptions | string): Promise<HttpResponse>;
  request(options: HttpOptions | string, fn: HttpFn<HttpResponse>): RequestId;
  /** The same; the method is GET. */
  get(options: HttpOptions | string): Promise<HttpResponse>;
  get(options: HttpOptions | string, fn: HttpFn<HttpResponse>): RequestId;
  /** The same; the method is POST. */
  post(options: HttpOptions | string): Promise<HttpResponse>;
  post(options: HttpOptions | string, fn: HttpFn<HttpResponse>): RequestId;
  /** The same; the method is PUT. */
  put(options: HttpOptions | string): Promise<HttpResponse>;
  put(options: HttpOptions | string, fn: HttpFn<HttpResponse>): RequestId;
  /** Writes what comes to a file, and goes on where it was cut off. */
  download(options: WithFile): Promise<HttpDownload>;
  download(options: WithFile, fn: HttpFn<HttpDownload>): RequestId;
  /** Sends a file by PUT. */
  upload(options: WithFile): Promise<HttpResponse>;
  upload(options: WithFile, fn: HttpFn<HttpResponse>): RequestId;
  /** Ends a request that has a function; tells whether it was there. */
  cancel(id: RequestId): boolean;
}

/**
 * What a script downloads and uploads, in a folder of its own.
 * @noSelf
 */
export interface Files {
  /** Lists the names, sorted. */
  list(): string[];
  /** Tells how long a file is. */
  size(name: string): number;
  /** Reads a file, or a part of it, counted from zero. */
  read(name: string, from?: number, count?: number): string;
  /** Writes a file: all of it is there, or what was there before. */
  write(name: string, text: string): true;
  /** Removes a file; tells whether it was there. */
  remove(name: string): boolean;
}

/**
 * What a script has to say, in the timeline.
 * @noSelf
 */
export interface Log {
  /** Writes an entry of level debug. */
  debug(...values: unknown[]): void;
  /** Writes an entry of level info. */
  info(...values: unknown[]): void;
  /** Writes an entry of level warn. */
  warn(...values: unknown[]): void;
  /** Writes an entry of level error. */
  error(...values: unknown[]): void;
}

// -- The module ---------------------------------------------------------------

/**
 * What every plugin of an engine has. Its methods, which are added to this, take a value and give a Promise, or take
 * a function as well.
 * @noSelf
 */
export interface EnginePlugin {
  /** Calls a function each time an event happens. */
  addListener(event: string, fn: (value: any) => void): Handle;
  /** The same function: the older spelling. */
  addEventListener(event: string, fn: (value: any) => void): Handle;
  /** Calls a function the next time an event happens, and only then. */
  once(event: string, fn: (value: any) => void): Handle;
  /** Removes all listeners of this plugin, or those of one event. */
  removeAllListeners(event?: string): void;
}

/** What there is. The plugins of an engine are added by declaration merging. */
export interface PluginRegistry {
  App: App;
  BackgroundTask: BackgroundTask;
  Storage: Storage;
  Http: Http;
  Files: Files;
  Log: Log;
}

export const Plugins: PluginRegistry;
export const App: App;
export const BackgroundTask: BackgroundTask;
export const Storage: Storage;
export const Http: Http;
export const Files: Files;
export const Log: Log;

/** The version of the library, such as '0.1.0'. */
export const version: string;

/** What this script is called among its host's. */
export const name: string;

/** What a script uses and may use; a limit that is off is Infinity. */
export interface Usage {
  memoryBytes: number;
  memoryPeakBytes: number;
  memoryLimitBytes: number;
  cpuMs: number;
  turnLimitMs: number;
  taskLimitMs: number;
  messages: number;
  messageLimit: number;
}

/** Calls a function once, after some milliseconds. */
export function setTimeout<A extends unknown[]>(fn: (...args: A) => void, ms?: number, ...args: A): TimerId;
/** Calls a function every so many milliseconds, until it is cleared. */
export function setInterval<A extends unknown[]>(fn: (...args: A) => void, ms?: number, ...args: A): TimerId;
/** Cancels a timer; harmless for undefined and for one that has fired. */
export function clearTimeout(id?: TimerId): void;
/** The same function as clearTimeout. */
export function clearInterval(id?: TimerId): void;
/** A Promise that is fulfilled after some milliseconds. */
export function sleep(ms: number): Promise<void>;
/** Plain Lua: drives the loop until nothing is left. A hosted script waits for the end of the app. */
export function run(): true;
/** Sends a copy of a value to another script, or to the host, 'host'. */
export function postMessage(to: string, value: Json): true;
/** Plain Lua: opens the file in which durable work is kept. */
export function openStore(path?: string): true;
/** Plain Lua: luv, on the loop that run() drives. */
export function loop(): any;
/** Lists the names of all scripts of this host. */
export function scripts(): string[];
/** Tells what this script uses, and what it may use. */
export function usage(): Usage;
