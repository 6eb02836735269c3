import { createHash, timingSafeEqual } from "node:crypto";

import type { Context, MiddlewareHandler } from "hono";

import { ExportError } from "../../api/errors.ts";
import { TOKEN_ACCESSES, type TokenAccess } from "../../api/token-access.ts";
import { type AccessTokens, readAccessTokens } from "../../config/access-tokens.ts";
import { readSettings } from "../../config/settings.ts";
import { isLocalOrigin } from "../../lib/local-origin.ts";
import type { AppEnv } from "../app-env.ts";

/**
 * Checks the bearer token of every call. Errors: `unauthorized`; `configuration-invalid` if the
 * Worker was deployed without a token or, outside local development, with a publicly known one.
 */
export function authenticate(): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const { EXPORT_PUBLIC_URL } = context.env as { EXPORT_PUBLIC_URL?: unknown };
    const origin = typeof EXPORT_PUBLIC_URL === "string" ? EXPORT_PUBLIC_URL : context.req.url;
    const tokens = readAccessTokens(context.env, { localDevelopment: isLocalOrigin(origin) });
    const match = /^Bearer +(\S+)$/i.exec(context.req.header("authorization") ?? "");
    const token = match?.[1];
    if (token === undefined) {
      throw new ExportError("unauthorized", "the Authorization header contains no bearer token");
    }
    const access = findAccess(token, tokens);
    if (access === undefined) {
      throw new ExportError("unauthorized", "the bearer token does not match this Worker's");
    }
    context.set("access", access);
    await next();
  };
}

/** Gives every caller full access, and answers with paths instead of links: callers have neither token nor address. */
export function trustCaller(): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    context.set("access", "full");
    context.set("callerOrigin", "");
    await next();
  };
}

/**
 * Requires that an authenticated call's token allows `needed`, and then checks the settings: no
 * other caller learns about them. Errors: `forbidden`, `configuration-invalid`.
 */
export function requireAccess(context: Context<AppEnv>, needed: TokenAccess): void {
  const access = context.get("access");
  if (TOKEN_ACCESSES.indexOf(access) < TOKEN_ACCESSES.indexOf(needed)) {
    throw new ExportError("forbidden", `the bearer token may only ${ABILITIES[access]}`);
  }
  context.set("config", readSettings(context.env));
}

/** What a token may do, as the error message of a refused call reports it. */
const ABILITIES: Record<TokenAccess, string> = {
  read: "read",
  job: "start, cancel, read and download exports",
  full: "do everything",
};

/**
 * Returns what a token allows; undefined for an unknown one. Compares the digests of all tokens, so
 * that the time depends on neither length nor content.
 */
function findAccess(token: string, known: AccessTokens): TokenAccess | undefined {
  const digest = makeDigest(token);
  let found: TokenAccess | undefined;
  for (const access of TOKEN_ACCESSES) {
    for (const each of known[access]) {
      if (timingSafeEqual(digest, makeDigest(each))) found = access;
    }
  }
  return found;
}

function makeDigest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
