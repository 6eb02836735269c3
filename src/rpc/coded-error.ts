import { ERRORS, type ErrorCode } from "../api/error-codes.ts";
import { ExportError, type Failure } from "../api/errors.ts";

const CODED = /^(?:[A-Za-z]*Error: )*([a-z][a-z0-9-]*): ([\s\S]*)$/;

/**
 * Returns an error whose text begins with its code. Only the text survives an RPC call, which drops
 * classes.
 */
export function toCodedError(error: unknown): unknown {
  if (!(error instanceof ExportError)) return error;
  return new Error(`${error.code}: ${error.message}`, { cause: error });
}

/**
 * Returns the failure from the start of an error's text; undefined if the text begins with no known
 * code.
 */
export function parseCodedError(error: unknown): Failure | undefined {
  const text = error instanceof Error ? error.message : String(error);
  const [, code = "", message = ""] = CODED.exec(text) ?? [];
  return Object.hasOwn(ERRORS, code) ? { code: code as ErrorCode, message } : undefined;
}
