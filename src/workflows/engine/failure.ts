import { NonRetryableError } from "cloudflare:workflows";

import { toCodedError, parseCodedError } from "../../rpc/coded-error.ts";
import { type ErrorCode, ExportError, type Failure } from "../../api/errors.ts";

/**
 * How many attempts of one step may end in an error, if they are fewer than the step's policy
 * allows. A query that takes up to 90 s keeps other callers of its database waiting.
 */
const ATTEMPTS_MAX: Partial<Record<ErrorCode, number>> = { "source-timeout": 4 };

/**
 * Runs a step's body as its attempt number `attempt`, from 1. An error that another attempt cannot
 * fix ends the step immediately, and so does the last attempt that `ATTEMPTS_MAX` allows for an
 * error. The message starts with the code, since only the message survives.
 */
export async function runStepBody<T>(attempt: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    const attemptsMax = ATTEMPTS_MAX[error.code] ?? Number.POSITIVE_INFINITY;
    if (!error.retryable || attempt >= attemptsMax) {
      throw new NonRetryableError(`${error.code}: ${error.message}`);
    }
    throw toCodedError(error);
  }
}

/**
 * Returns the failure that a step's error contains; `internal-error` for an error without a code.
 */
export function parseFailure(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error);
  return parseCodedError(error) ?? { code: "internal-error", message: text };
}
