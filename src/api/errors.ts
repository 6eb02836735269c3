import { type ErrorCode, ERRORS } from "./error-codes.ts";

/**
 * An expected failure as plain data. It crosses RPC, is kept in a job row and is sent in a
 * callback.
 */
export interface Failure {
  code: ErrorCode;
  /** What went wrong: starts in lower case and contains no secrets. */
  message: string;
  /** More members for the problem response, for instance the id of the running job. */
  details?: Record<string, string | number | boolean | readonly unknown[]>;
}

/** An expected failure as an exception, within one isolate. */
export class ExportError extends Error {
  override readonly name = "ExportError";
  readonly code: ErrorCode;
  readonly details: Failure["details"];

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Failure["details"] } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  toFailure(): Failure {
    return {
      code: this.code,
      message: this.message,
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}
