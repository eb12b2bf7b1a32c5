export function fail(what: string): never {
  throw new RangeError(what);
}
