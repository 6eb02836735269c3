import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";

import { parseCodedError } from "../../rpc/coded-error.ts";
import { ERRORS } from "../../api/error-codes.ts";
import { ExportError, type Failure } from "../../api/errors.ts";
import { hintOf } from "../../api/error-hint.ts";

/** Returns an error as RFC 9457 problem details, with this API's own `code` and `hint`. */
function problemResponse(
  failure: Failure,
  context: Context,
  headers: Record<string, string> = {},
): Response {
  const { status } = ERRORS[failure.code];
  // The raw value: errors in the settings have hints too.
  const { EXPORT_PUBLIC_URL: publicUrl } = context.env as { EXPORT_PUBLIC_URL?: unknown };
  const body = {
    type: "about:blank",
    title: failure.code.replaceAll("-", " "),
    status,
    code: failure.code,
    detail: failure.message,
    hint: hintOf(failure.code, publicUrl),
    ...failure.details,
  };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/**
 * The one place where a thrown error becomes an answer. An unexpected error is logged and never
 * shown.
 */
export function onError(error: Error, context: Context): Response {
  if (error instanceof ExportError)
    return problemResponse(error.toFailure(), context, makeHeaders(error));
  if (error instanceof HTTPException && error.status < 500) {
    return problemResponse({ code: "invalid-request", message: error.message }, context);
  }
  // The jobs object may refuse its tables before it can return values.
  const failure = parseCodedError(error);
  if (failure?.code === "jobs-database-newer") return problemResponse(failure, context);
  const id = crypto.randomUUID();
  console.error({
    message: "unexpected error",
    id,
    method: context.req.method,
    error: String(error),
    stack: error.stack,
  });
  const details = { id };
  return problemResponse(
    { code: "internal-error", message: "an unexpected error", details },
    context,
  );
}

function makeHeaders(error: ExportError): Record<string, string> {
  switch (error.code) {
    case "unauthorized":
      return { "www-authenticate": 'Bearer realm="durable-export"' };
    case "export-not-finished":
    case "source-unavailable":
      return { "retry-after": "2" };
    case "too-many-requests":
      return { "retry-after": "60" };
    case "range-not-satisfiable":
      return { "content-range": `bytes */${String(error.details?.["size"] ?? "*")}` };
    default:
      return {};
  }
}
