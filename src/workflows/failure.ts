import { ERRORS, type ErrorCode, type Failure } from "../model/error.ts";

const CODED = /^(?:[A-Za-z]*Error: )*([a-z][a-z0-9-]*): ([\s\S]*)$/;

/** The failure a step's error stands for. Errors lose their class on the way out of a step. */
export function failureOf(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error);
  const match = CODED.exec(text);
  const code = match?.[1];
  if (code !== undefined && Object.hasOwn(ERRORS, code)) {
    return { code: code as ErrorCode, message: match?.[2] ?? "" };
  }
  return { code: "internal-error", message: text };
}
