import { ExportError, type Failure } from "../api/errors.ts";

/** The result of an RPC call: thrown classes do not survive the crossing. */
export type Outcome<T> = { ok: true; value: T } | { ok: false; failure: Failure };

/** Returns the value of `outcome`, or throws its failure as an ExportError. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  const { code, message, details } = outcome.failure;
  throw new ExportError(code, message, details === undefined ? {} : { details });
}

/** Runs `work` and returns a thrown ExportError as a value. Any other error is still thrown. */
export async function outcomeOf<T>(work: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (error instanceof ExportError) return { ok: false, failure: error.toFailure() };
    throw error;
  }
}
