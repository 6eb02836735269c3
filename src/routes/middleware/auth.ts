import { createHash, timingSafeEqual } from "node:crypto";

import type { MiddlewareHandler } from "hono";

import { type AccessTokens, readAccessTokens } from "../../config/access-tokens.ts";
import { readSettings } from "../../config/settings.ts";
import { ExportError } from "../../api/errors.ts";
import { isLocalOrigin } from "../../lib/local-origin.ts";
import type { AppEnv } from "../app-env.ts";
import { mayCall } from "./may-call.ts";
import { TOKEN_ACCESSES, type TokenAccess } from "../../config/access-tokens.ts";

/**
 * Checks the bearer token of every call, and then the settings: whoever has no token learns nothing
 * of them. Errors: `configuration-invalid` where the Worker was deployed without a token or, outside
 * local development, with one that everybody knows; `unauthorized`; `forbidden` if a token asks for
 * more than it opens.
 */
export function authenticate(): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const { EXPORT_PUBLIC_URL } = context.env as { EXPORT_PUBLIC_URL?: unknown };
    const origin = typeof EXPORT_PUBLIC_URL === "string" ? EXPORT_PUBLIC_URL : context.req.url;
    const tokens = readAccessTokens(context.env, { localDevelopment: isLocalOrigin(origin) });
    const match = /^Bearer +(\S+)$/i.exec(context.req.header("authorization") ?? "");
    const token = match?.[1];
    if (token === undefined) {
      throw new ExportError("unauthorized", "the Authorization header holds no bearer token");
    }
    const access = findAccess(token, tokens);
    if (access === undefined) {
      throw new ExportError("unauthorized", "the bearer token is not this Worker's");
    }
    if (!mayCall(access, context.req.method, context.req.path)) {
      throw new ExportError("forbidden", `the bearer token may only ${ABILITIES[access]}`);
    }
    context.set("access", access);
    context.set("config", readSettings(context.env));
    await next();
  };
}

/** What a token may do, as the refusal of a call says it. */
const ABILITIES: Record<TokenAccess, string> = {
  read: "read",
  job: "start, cancel, read and download exports",
  full: "do everything",
};

/**
 * What a token opens; undefined for an unknown one. Compares digests, all of them, so that the time
 * taken depends on neither length nor content.
 */
function findAccess(token: string, known: AccessTokens): TokenAccess | undefined {
  const digest = digestOf(token);
  let found: TokenAccess | undefined;
  for (const access of TOKEN_ACCESSES) {
    for (const each of known[access]) {
      if (timingSafeEqual(digest, digestOf(each))) found = access;
    }
  }
  return found;
}

function digestOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
