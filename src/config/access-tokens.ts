import * as v from "valibot";

import { misconfiguration } from "./settings.ts";
import { ExportError } from "../api/errors.ts";
import { onceForEach } from "../lib/once-for-each.ts";

/** The bearer tokens that a Worker accepts. */
export interface AccessTokens {
  /** Each can do everything. */
  full: string[];
  /** Each can start, cancel, show and download exports; empty if there is no `EXPORT_JOB_TOKEN`. */
  job: string[];
  /** Each can call everything that only reads; empty if there is no `EXPORT_READ_TOKEN`. */
  read: string[];
}

/** Tokens from documentation and examples; they protect nothing. */
const KNOWN_TOKENS: ReadonlySet<string> = new Set([
  "ABC123",
  "DEF456",
  "your-admin-token",
  "your-job-token",
  "your-read-token",
  "changeme",
]);

/** A secret may contain two tokens separated by white space, so that one can replace the other. */
const Tokens = v.pipe(
  v.string("expected a secret: set it with `wrangler secret put`"),
  v.transform((text) => text.split(/\s+/).filter((token) => token !== "")),
  v.minLength(1, "expected a token: set it with `wrangler secret put`"),
  v.maxLength(2, "expected at most two tokens, separated by a space"),
);

const TokensSchema = v.object({
  ADMIN_AUTHORIZATION_TOKEN: Tokens,
  EXPORT_JOB_TOKEN: v.optional(Tokens),
  EXPORT_READ_TOKEN: v.optional(Tokens),
});

const parseTokens = onceForEach((env) => {
  const parsed = v.safeParse(TokensSchema, env);
  if (!parsed.success) throw misconfiguration(parsed.issues);
  return parsed.output;
});

/**
 * Returns the tokens in `env`. Errors: `configuration-invalid` if there is none, if there are too
 * many, or, outside local development, if one is publicly known. The message never contains a
 * token.
 */
export function readAccessTokens(
  env: object,
  options: { localDevelopment: boolean },
): AccessTokens {
  const secrets = parseTokens(env);
  for (const [name, tokens] of Object.entries(secrets)) {
    if (!options.localDevelopment && tokens?.some((token) => KNOWN_TOKENS.has(token))) {
      throw new ExportError(
        "configuration-invalid",
        `${name} is a token from the documentation: set your own`,
      );
    }
  }
  return {
    full: secrets.ADMIN_AUTHORIZATION_TOKEN,
    job: secrets.EXPORT_JOB_TOKEN ?? [],
    read: secrets.EXPORT_READ_TOKEN ?? [],
  };
}
