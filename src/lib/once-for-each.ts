/**
 * Returns a function that runs `make` once per object and returns the same result, or throws the
 * same error, on later calls. `make` must depend only on the object.
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
