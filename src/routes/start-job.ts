import type { Context } from "hono";
import type * as v from "valibot";

import { IdempotencyKeySchema } from "../api/export-request.ts";
import type { AppEnv } from "./app-env.ts";
import { validate } from "./middleware/parse-input.ts";

/** How long a client must wait between polls, in seconds. */
const POLL_SECONDS = "2";

/** The header by which a route that starts a job knows a repeated request. */
export const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  description: "1 to 255 visible ASCII characters that you choose.",
};

/** Describes the answer of `sendAccepted`; `what` is the job's kind. */
export function describeAccepted<View extends v.GenericSchema>(what: string, content: View) {
  return {
    status: 202 as const,
    description: `The accepted ${what}; it runs asynchronously`,
    content,
    headers: [
      { name: "Location", description: `The ${what}'s view.` },
      { name: "Retry-After", description: "Seconds to wait before the next poll." },
      {
        name: "Idempotency-Replayed",
        description: `\`true\` if the ${what} already existed.`,
      },
    ],
  };
}

/** Returns a request's Idempotency-Key. Errors: `invalid-request`. */
export function readIdempotencyKey(context: Context<AppEnv>): string | null {
  const key = context.req.header(IDEMPOTENCY_KEY.name);
  return key === undefined ? null : validate(IdempotencyKeySchema, key, IDEMPOTENCY_KEY.name);
}

/** Answers with a job that was started now, or, if `replayed`, by an earlier request with the same key. */
export function sendAccepted(
  context: Context<AppEnv>,
  view: { links: { self: string } },
  replayed: boolean,
): Response {
  return context.json(view, 202, {
    location: view.links.self,
    "retry-after": POLL_SECONDS,
    ...(replayed ? { "idempotency-replayed": "true" } : {}),
  });
}
