/**
 * Returns `make` as a function that runs once for each object and repeats its result, or its error, later.
 * `make` must depend on nothing but the object.
 */
export function onceForEach<TResult, TFrom extends object = object>(
  make: (from: TFrom) => TResult,
): (from: TFrom) => TResult {
  const made = new WeakMap<object, { result: TResult } | { error: unknown }>();
  return (from) => {
    let outcome = made.get(from);
    if (outcome === undefined) {
      try {
        outcome = { result: make(from) };
      } catch (error) {
        outcome = { error };
      }
      made.set(from, outcome);
    }
    if ("error" in outcome) throw outcome.error;
    return outcome.result;
  };
}
