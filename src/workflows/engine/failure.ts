import { parseCodedError } from "../../rpc/coded-error.ts";
import type { Failure } from "../../api/errors.ts";

/** The failure a step's error stands for. Errors lose their class on the way out of a step. */
export function failureOf(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error);
  return parseCodedError(error) ?? { code: "internal-error", message: text };
}
