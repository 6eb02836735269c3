import * as v from "valibot";

import { ExportError } from "../api/errors.ts";

/** The keys that sign the requests to an S3 destination. None may appear in a log or a message. */
export interface DestinationKeys {
  accessKeyId: string;
  secretAccessKey: string;
  /** Set for temporary credentials. */
  sessionToken: string | undefined;
}

/** The most characters of a key: more is a mistake. Session tokens of AWS have up to about 2,000. */
const KEY_CHARS_MAX = 8_192;

const Key = v.pipe(
  v.string("is missing: set it with `wrangler secret put`"),
  v.trim(),
  v.minLength(1, "is empty: set it with `wrangler secret put`"),
  v.maxLength(KEY_CHARS_MAX, "is too long for a key"),
  v.regex(/^[\x21-\x7e]+$/, "contains a space or a character that no key has"),
);

/**
 * Returns the keys in the secrets `<credentials>_ACCESS_KEY_ID`, `…_SECRET_ACCESS_KEY` and, if it
 * is set, `…_SESSION_TOKEN`. Errors: `configuration-invalid`, which names the secret and never
 * contains its value.
 */
export function readDestinationKeys(env: object, credentials: string): DestinationKeys {
  const sessionToken = `${credentials}_SESSION_TOKEN`;
  return {
    accessKeyId: readKey(env, `${credentials}_ACCESS_KEY_ID`),
    secretAccessKey: readKey(env, `${credentials}_SECRET_ACCESS_KEY`),
    sessionToken: Object.hasOwn(env, sessionToken) ? readKey(env, sessionToken) : undefined,
  };
}

function readKey(env: object, name: string): string {
  const parsed = v.safeParse(Key, (env as Record<string, unknown>)[name]);
  if (parsed.success) return parsed.output;
  throw new ExportError("configuration-invalid", `secret ${name} ${parsed.issues[0].message}`);
}
