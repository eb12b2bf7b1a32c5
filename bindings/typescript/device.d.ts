/** @noSelfInFile */

// Simulated phones, for specs and plans: require "farside.device".

import type { AppEvents, AppState, Duration, Obstacle, Status, TaskId, TaskState, Work, WorkFilter, WorkId } from './index';

export type Os = 'ios' | 'android' | 'strict' | 'desktop';
export type Network = 'none' | 'metered' | 'wifi';
export type WakeKind = 'refresh' | 'processing';

export interface DeviceOptions {
  os?: Os;
  seed?: number;
  policy?: 'random' | 'earliest' | 'latest' | 'never';
  network?: Network;
  battery?: number;
  timeZone?: string;
  grace?: Duration;
  launchUrl?: string;
  limits?: string;
  trust?: boolean;
  ram?: string;
  allow?: string[];
  http?: string[];
  plugins?: { [plugin: string]: { [method: string]: PluginMethod } };
  strict?: boolean;
}

/** What a plugin's method of a phone does; returning nothing, it answers later. */
export type PluginMethod = (this: void, value: any, answer: PluginAnswer) => unknown;

/** @noSelf */
export interface PluginAnswer {
  /** Answers. */
  resolve(value?: unknown): true | undefined;
  /** Refuses, with a name of the engine's. */
  reject(message?: string, name?: string): true | undefined;
}

/** One entry of the timeline. */
export interface Entry {
  t: number;
  what: string;
  level: 'debug' | 'info' | 'warn' | 'error';
  state: AppState;
  script?: string;
  task?: TaskId;
  work?: WorkId;
  name?: string;
  where?: string;
  why?: string;
  rule?: string;
  severity?: 'error' | 'warning';
  outcome?: Outcome;
}

/** What the OS does when a rule is broken. */
export interface Outcome {
  kind: 'none' | 'warning' | 'throttle' | 'refusal' | 'rejection' | 'kill';
  code?: string;
  os?: Os;
  what?: string;
}

/** A rule that is broken, at one place of the script. */
export interface Violation {
  rule: string;
  title: string;
  severity: 'error' | 'warning';
  isFailure: boolean;
  t: number;
  last: number;
  count: number;
  script?: string;
  task?: TaskId;
  name?: string;
  where?: string;
  why: string;
  outcome: Outcome;
  advice: string;
}

/** One task, open or ended, as the timeline tells it. */
export interface PastTask {
  taskId: TaskId;
  name?: string;
  origin: string;
  state: TaskState;
  beganAt: number;
  endedAt?: number;
}

/** What a phone is like at an instant. */
export interface World {
  network: Network;
  battery: number;
  isPlugged: boolean;
  isLowPower: boolean;
  isStorageLow: boolean;
  isLocked: boolean;
  isMoving: boolean;
  isCovered: boolean;
  isForceQuit: boolean;
  wasUnlocked: boolean;
  backgroundRefresh: boolean;
  doze: 'off' | 'light' | 'light window' | 'deep' | 'deep window';
  bucket: 'active' | 'working' | 'frequent' | 'rare' | 'restricted';
  timeZone: string;
  utcOffset: number;
  isSummerTime: boolean;
  wallMs: number;
}

export interface WakeOptions {
  kind?: WakeKind;
  after?: Duration;
  network?: boolean;
  charging?: boolean;
}

/** What a request looks like to a function that answers it. */
export interface HttpAsked {
  method: string;
  url: string;
  headers: { [name: string]: string };
  body: string;
  bytes: number;
  isPartial: boolean;
}

/**
 * How a request is answered.
 * @noSelf
 */
export interface HttpAnswer {
  status?: number;
  headers?: { [name: string]: string };
  body?: string;
  size?: number | string;
  latency?: Duration | [Duration, Duration];
  rate?: string;
  fail?: number;
  dropAfter?: number | string;
  stallAfter?: number | string;
  tls?: 'expired' | 'untrusted' | 'host';
  error?: 'resolve' | 'connect' | 'reset';
  times?: number;
  answer?: (request: HttpAsked) => HttpAnswer | undefined;
}

/** A view of the phone's app. */
export interface PhoneApp {
  /** Lists all tasks since the phone was opened. */
  tasks(): PastTask[];
  /** Tells in which state the app is now. */
  state(): AppState;
}

/** True or an app; undefined where it failed. */
type Launched = PhoneApp | undefined;

/** A phone with one app, in virtual time. */
export interface Phone {
  /** The user starts the app: loads a script from a file. */
  launch(path?: string, ...args: string[]): Launched;
  /** The user starts the app: loads a script, in Lua, from a string. */
  run(code: string, name?: string): Launched;
  /** What apps that are launched from now on may do besides, as --grant. */
  grant(what: { http?: string[] }): void;
  /** What apps that are launched from now on find as Plugins.NAME, as an engine would offer it. */
  plugin(name: string, methods: { [method: string]: PluginMethod }): void;
  /** The user presses the home button: the app goes to the background. */
  pressHome(): void;
  /** The user comes back to the app, which is launched anew when it is gone. */
  openApp(): true | Launched;
  /** Lets virtual time pass: a duration, or milliseconds. */
  advance(duration: Duration | number): void;
  /** The OS kills the app without a word to it. */
  kill(why?: string): void;
  /** The user ends the app, which hears of it unless it is suspended. */
  quit(): void;
  /** Tells the app what happened, as an engine does. */
  post(event: keyof AppEvents, json?: string): true | undefined;
  /** The screen goes off: the app in front goes to the background. */
  lock(): void;
  /** The user unlocks the phone: the app that was in front comes back. */
  unlock(): void;
  /** Another app is on top: the app is inactive, and not in the background. */
  cover(): void;
  /** The same as cover(). */
  openAppSwitcher(): void;
  /** Nothing is on top of the app any more. */
  uncover(): void;
  /** The user ends the app by force. */
  swipeAway(): void;
  /** The phone is switched off and on, and is locked. */
  reboot(): void;
  /** Something opens a URL of the app's. */
  openUrl(url: string): true | undefined;
  /** A push arrives that shows nothing and wakes the app. */
  push(): true | undefined;
  /** Connects the phone, or cuts it off. */
  setNetwork(name: Network): void;
  /** The network comes and goes for a while. */
  flap(duration: Duration): void;
  /** Sets the charge of the battery, from 0 to 1. */
  setBattery(charge: number): void;
  /** The charger is plugged in. */
  plug(): void;
  /** The charger is unplugged. */
  unplug(): void;
  /** Switches low power mode. */
  setLowPower(isOn: boolean): void;
  /** Storage is low, or no more. */
  setStorageLow(isLow: boolean): void;
  /** The user's switch for waking the app in the background. */
  setBackgroundRefresh(isOn: boolean): void;
  /** The phone is carried about, or lies still. */
  setMoving(isMoving: boolean): void;
  /** The OS is short of memory. */
  lowMemory(level?: 'moderate' | 'low' | 'critical'): void;
  /** Moves the clock on the wall, which timers do not see. */
  setClock(step: string | number): void;
  /** Says what local time is for the app. */
  setTimeZone(name: string): void;
  /** Lets time pass until the clock on the wall next shows a time of day. */
  at(time: string, fn?: (phone: Phone) => void): void;
  /** Asks the OS to wake the app, as an app does. */
  scheduleWake(options: WakeOptions): true | undefined;
  /** Takes back the requests of a kind. */
  cancelWake(kind?: WakeKind): void;
  /** Tells what the phone is like now. */
  world(): World;
  /** Lists the durable work of all its scripts. */
  work(filter?: WorkFilter): Work[];
  /** Tells what stands in the way of that work. */
  explain(id: WorkId): (Obstacle[] & { readonly text: string }) | undefined;
  /** Says what answers the requests of the app; the newest comes first. */
  respond(pattern: string, answer: HttpAnswer | ((request: HttpAsked) => HttpAnswer | undefined)): void;
  /** Tells the app that something has happened to one of its plugins; it may wait for its first listener. */
  notify(plugin: string, event: string, value?: unknown, isRetained?: boolean): void;
  /** Lists what happened, or only what begins with a word. */
  timeline(what?: string): Entry[];
  /** Lists all tasks since the phone was opened, ended ones too. */
  tasks(): PastTask[];
  /** Tells in which state the app is now. */
  state(): AppState;
  /** Lists which rules the app has broken, each cause once. */
  violations(): Violation[];
  /** The system takes its time back: the end of all open tasks is announced now. */
  expire(): void;
  /** Says how long each turn of the tasks of a name computes; without a name, of all others. */
  setCost(name: string, cost: Duration): void;
  setCost(cost: Duration): void;
  /** Tells the phone's time, in milliseconds since it was opened. */
  now(): number;
  /** Gives the fingerprint of the timeline so far. */
  hash(): string;
  /** Closes the phone; throws when the app still has a task open. */
  close(): void;
}

/** Opens a phone, on which no app runs yet. */
export function open(options?: DeviceOptions): Phone;

export type { Status };
