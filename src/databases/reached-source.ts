import { ExportError } from "../api/errors.ts";
import type { Source } from "./source.ts";

/**
 * A source that cannot fail with a configuration error once it has answered: such an error then
 * comes from a Worker that is restarting, and becomes `source-unavailable`. `wasReached` is true if
 * the source answered before.
 */
export function reachedSource(source: Source, wasReached: boolean): Source {
  let isReached = wasReached;
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      const result = await work();
      isReached = true;
      return result;
    } catch (error) {
      const isPassing =
        isReached && error instanceof ExportError && error.code === "configuration-invalid";
      if (!isPassing) throw error;
      throw new ExportError("source-unavailable", error.message, { cause: error });
    }
  };
  return {
    ...source,
    query: (statement) => call(() => source.query(statement)),
    transaction: (statements) => call(() => source.transaction(statements)),
  };
}
