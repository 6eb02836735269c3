import { ERRORS, type ErrorCode } from "./error-codes.ts";

/** The place in a hint at which a route starts, such as `GET /export/jobs`. */
const BEFORE_ROUTE = /(?<=\b(?:GET|POST|DELETE) )(?=\/)/g;

/**
 * Returns what to do about an error. Each route in the hint is prefixed with the path of
 * `publicUrl`, under which the API is mounted, or with `/` if `publicUrl` is empty or not a URL.
 */
export function hintOf(code: ErrorCode, publicUrl: unknown): string {
  const url = typeof publicUrl === "string" ? URL.parse(publicUrl) : null;
  const mountPath = url === null ? "" : url.pathname.replace(/\/+$/, "");
  return ERRORS[code].hint.replaceAll(BEFORE_ROUTE, () => mountPath);
}
