import { ExportError } from "../api/errors.ts";
import type { Source } from "./source.ts";

/**
 * A source that cannot turn out to be configured wrongly once it has answered: what looks so then is a
 * Worker that restarts, and `source-unavailable`. `wasReached` says that it has answered before.
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
