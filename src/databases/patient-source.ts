import { ExportError } from "../api/errors.ts";
import type { Source } from "./source.ts";

/** The most attempts of one call, and the wait after the first failure, which doubles each time. */
const TRIES_MAX = 4;
const WAIT_MS = 500;

/**
 * Retries a source's calls after errors that may pass, such as an object's restart on a deployment.
 * It does not retry a call that timed out, because the client of a stream waits for it. Use it only
 * for calls that are safe to repeat after they succeeded.
 */
export function patientSource(source: Source): Source {
  return {
    ...source,
    query: (statement) => tryAgain(() => source.query(statement)),
    transaction: (statements) => tryAgain(() => source.transaction(statements)),
  };
}

async function tryAgain<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const mayHelp =
        error instanceof ExportError && error.retryable && error.code !== "source-timeout";
      if (!mayHelp || tries === TRIES_MAX) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, WAIT_MS * 2 ** (tries - 1));
      });
    }
  }
}
