import { ERRORS, type ErrorCode } from "./errors.ts";

/** Where a hint names a route, such as `GET /export/jobs`. */
const BEFORE_ROUTE = /(?<=\b(?:GET|POST|DELETE) )(?=\/)/g;

/**
 * What to do about an error. The routes that it names start with the path of `publicUrl`, below which
 * the API is mounted; with `/` if that is no URL or empty.
 */
export function hintOf(code: ErrorCode, publicUrl: unknown): string {
  const url = typeof publicUrl === "string" ? URL.parse(publicUrl) : null;
  const mountPath = url === null ? "" : url.pathname.replace(/\/+$/, "");
  return ERRORS[code].hint.replaceAll(BEFORE_ROUTE, () => mountPath);
}
