import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";

import { allowedOrigins } from "../../config/cors-origins.ts";
import { ExportError } from "../../api/errors.ts";
import { HEADERS_LENGTH_MAX } from "../../api/limits.ts";
import type { AppEnv } from "../app-env.ts";

/** The headers of every answer. They keep browsers from guessing its type, and from sending its address on. */
const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["strict-transport-security", "max-age=31536000"],
];

/**
 * The headers of every answer that sets none of its own. They keep browsers from storing, framing or running it. Only
 * the page sets its own policy.
 */
const DEFAULT_HEADERS: readonly (readonly [string, string])[] = [
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"],
  ["cache-control", "no-store"],
];

/** Adds the security headers to every answer, including errors. */
export function secureAnswers(): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    await next();
    for (const [name, value] of SECURITY_HEADERS) context.header(name, value);
    for (const [name, value] of DEFAULT_HEADERS) {
      if (!context.res.headers.has(name)) context.header(name, value);
    }
  };
}

/**
 * Refuses requests whose address is not a URL, because their Host is malformed. Errors:
 * `invalid-request`.
 */
export function requireHost(): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    if (URL.parse(context.req.url) === null) {
      const issues = [{ path: "Host", message: "is not the name of a host" }];
      throw new ExportError("invalid-request", "Host: is not the name of a host", {
        details: { issues },
      });
    }
    await next();
  };
}

/** Refuses requests whose address and headers are too long. Errors: `headers-too-large`. */
export function limitHeaders(): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    let length = context.req.url.length;
    for (const [name, value] of context.req.raw.headers) length += name.length + value.length;
    if (length > HEADERS_LENGTH_MAX) {
      throw new ExportError("headers-too-large", `the URL and headers have ${length} characters`);
    }
    await next();
  };
}

/** Lets pages of the origins in `EXPORT_CORS_ORIGINS` call the API. Without this setting, no page may. */
export function allowOrigins(): MiddlewareHandler<AppEnv> {
  const answer = cors({
    origin: (origin, context) => (allowedOrigins(context.env).includes(origin) ? origin : null),
    allowMethods: ["GET", "HEAD", "POST", "PUT", "DELETE"],
    allowHeaders: [
      "authorization",
      "content-sha256",
      "content-type",
      "idempotency-key",
      "if-range",
      "last-event-id",
    ],
    exposeHeaders: [
      "content-disposition",
      "content-range",
      "etag",
      "export-snapshot-at",
      "export-warnings",
      "idempotency-replayed",
      "location",
      "repr-digest",
      "retry-after",
    ],
    maxAge: 600,
  });
  return (context, next) =>
    allowedOrigins(context.env).length === 0 ? next() : answer(context, next);
}

/** Counts a call, if `EXPORT_RATE_LIMITER` is bound. Errors: `too-many-requests`. */
export async function requireRate(env: AppEnv["Bindings"]): Promise<void> {
  if (env.EXPORT_RATE_LIMITER === undefined) return;
  const { success } = await env.EXPORT_RATE_LIMITER.limit({ key: "changes" });
  if (success) return;
  throw new ExportError(
    "too-many-requests",
    "more calls that start, change, delete or stream something than EXPORT_RATE_LIMITER allows",
  );
}
