import { timingSafeEqual } from "node:crypto";

import type { MiddlewareHandler } from "hono";

import { parseConfig } from "../env.ts";
import { encodeUtf8 } from "../lib/bytes.ts";
import { ExportError } from "../model/error.ts";
import { isLocalOrigin } from "../model/local-origin.ts";
import type { AppEnv } from "./app-env.ts";

/** Tokens that documentation and examples use; they protect nothing. */
const KNOWN_TOKENS = new Set(["ABC123", "your-admin-token", "changeme"]);

/**
 * Checks the settings and the bearer token of every call. Errors: `configuration-invalid` where the
 * Worker was deployed without a token or, outside local development, with one that everybody
 * knows; `unauthorized`.
 */
export function authenticate(): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const config = parseConfig(context.env);
    const local = isLocalOrigin(config.publicUrl ?? context.req.url);
    if (!local && config.adminTokens.some((token) => KNOWN_TOKENS.has(token))) {
      throw new ExportError(
        "configuration-invalid",
        "ADMIN_AUTHORIZATION_TOKEN is a token that documentation uses: set one of your own",
      );
    }
    const match = /^Bearer +(\S+)$/i.exec(context.req.header("authorization") ?? "");
    const token = match?.[1];
    if (token === undefined) {
      throw new ExportError("unauthorized", "the Authorization header holds no bearer token");
    }
    if (!(await isOneOf(token, config.adminTokens))) {
      throw new ExportError("unauthorized", "the bearer token is not this Worker's");
    }
    context.set("config", config);
    await next();
  };
}

/** Compares digests, all of them, so that the time taken tells neither length nor content. */
async function isOneOf(token: string, known: readonly string[]): Promise<boolean> {
  const digest = await digestOf(token);
  let found = false;
  for (const each of known) {
    if (timingSafeEqual(digest, await digestOf(each))) found = true;
  }
  return found;
}

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encodeUtf8(text)));
}
