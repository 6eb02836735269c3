import { timingSafeEqual } from "node:crypto";

import type { MiddlewareHandler } from "hono";

import { type AccessTokens, parseAccessTokens } from "../access-tokens.ts";
import { parseConfig } from "../env.ts";
import { encodeUtf8 } from "../lib/bytes.ts";
import { ExportError } from "../model/error.ts";
import { isLocalOrigin } from "../model/local-origin.ts";
import type { AppEnv } from "./app-env.ts";
import { isReadable } from "./readable-routes.ts";

/**
 * Checks the bearer token of every call, and then the settings: whoever has no token learns nothing
 * of them. Errors: `configuration-invalid` where the Worker was deployed without a token or, outside
 * local development, with one that everybody knows; `unauthorized`; `forbidden` where a read-only
 * token asks for more than it opens.
 */
export function authenticate(): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const { EXPORT_PUBLIC_URL } = context.env as { EXPORT_PUBLIC_URL?: unknown };
    const origin = typeof EXPORT_PUBLIC_URL === "string" ? EXPORT_PUBLIC_URL : context.req.url;
    const tokens = parseAccessTokens(context.env, { localDevelopment: isLocalOrigin(origin) });
    const match = /^Bearer +(\S+)$/i.exec(context.req.header("authorization") ?? "");
    const token = match?.[1];
    if (token === undefined) {
      throw new ExportError("unauthorized", "the Authorization header holds no bearer token");
    }
    const access = await accessOf(token, tokens);
    if (access === "none") {
      throw new ExportError("unauthorized", "the bearer token is not this Worker's");
    }
    if (access === "read" && !isReadable(context.req.method, context.req.path)) {
      throw new ExportError("forbidden", "the bearer token may only read");
    }
    context.set("config", parseConfig(context.env));
    await next();
  };
}

/** Compares digests, all of them, so that the time taken tells neither length nor content. */
async function accessOf(token: string, known: AccessTokens): Promise<"full" | "read" | "none"> {
  const digest = await digestOf(token);
  let access: "full" | "read" | "none" = "none";
  for (const each of known.read) {
    if (timingSafeEqual(digest, await digestOf(each))) access = "read";
  }
  for (const each of known.full) {
    if (timingSafeEqual(digest, await digestOf(each))) access = "full";
  }
  return access;
}

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encodeUtf8(text)));
}
