import { NonRetryableError } from "cloudflare:workflows";

import { toCodedError, parseCodedError } from "../../rpc/coded-error.ts";
import type { ErrorCode } from "../../api/error-codes.ts";
import { ExportError, type Failure } from "../../api/errors.ts";

/**
 * How many attempts of a step may end in this error, if that is fewer than the step's policy allows. A query that
 * takes up to 90 s blocks other callers of its database.
 */
const ATTEMPTS_MAX: Partial<Record<ErrorCode, number>> = { "source-timeout": 4 };

/**
 * Runs a step's body as attempt number `attempt`, from 1. The step ends immediately after an error that another
 * attempt cannot fix, and after the last attempt that `ATTEMPTS_MAX` allows. The message starts with the code,
 * because only the message survives.
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

/** Returns the failure that a step's error contains; `internal-error` for an error without a code. */
export function parseFailure(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error);
  return parseCodedError(error) ?? { code: "internal-error", message: text };
}
