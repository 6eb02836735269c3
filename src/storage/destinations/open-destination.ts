import * as v from "valibot";

import type { DestinationConfig } from "../../api/destination-config.ts";
import { ExportError } from "../../api/errors.ts";
import type { Settings } from "../../config/settings.ts";
import type { ArtifactStore } from "../artifact-store.ts";
import { r2ArtifactStore } from "../r2/r2-artifact-store.ts";
import { s3ArtifactStore } from "../s3/s3-artifact-store.ts";
import { withPrefix } from "./with-prefix.ts";

/** How long an access key id, secret access key or session token may be: more is a mistake. */
const SECRET_CHARS_MAX = 4_096;

const Secret = v.pipe(
  v.string("is missing: set it with `wrangler secret put`"),
  v.trim(),
  v.minLength(1, "is empty: set it with `wrangler secret put`"),
  v.maxLength(SECRET_CHARS_MAX, "is too long for a key"),
  v.regex(/^[\x21-\x7e]+$/, "contains a space or a character that no key has"),
);

/** The registry of destinations, by type: each entry opens the store of one. */
const STORES: {
  [Type in DestinationConfig["type"]]: (
    env: object,
    config: Extract<DestinationConfig, { type: Type }>,
    options: { localDevelopment: boolean },
  ) => ArtifactStore;
} = {
  s3: (env, { credentials, endpoint, region, bucket, pathStyle }, options) => {
    const sessionToken = `${credentials}_SESSION_TOKEN`;
    const secrets = {
      accessKeyId: readSecret(env, `${credentials}_ACCESS_KEY_ID`),
      secretAccessKey: readSecret(env, `${credentials}_SECRET_ACCESS_KEY`),
      sessionToken: sessionToken in env ? readSecret(env, sessionToken) : undefined,
    };
    return s3ArtifactStore({ endpoint, region, bucket, pathStyle, ...secrets }, options);
  },
  r2: (env, { binding }) => r2ArtifactStore(getBucket(env, binding)),
};

/**
 * Opens the store of a destination. Its keys start with the destination's prefix. Errors:
 * `configuration-invalid` if there is no such destination, or if its binding or a secret is missing
 * or invalid; the message names the destination and never contains a secret.
 */
export function openDestination(
  env: object,
  { destinations }: Pick<Settings, "destinations">,
  name: string,
  options: { localDevelopment: boolean },
): ArtifactStore {
  const config = Object.hasOwn(destinations, name) ? destinations[name] : undefined;
  if (config === undefined) throw misconfiguration(name, "there is no such destination");
  try {
    return withPrefix(open(env, config, options), config.prefix);
  } catch (cause) {
    if (!(cause instanceof ExportError)) throw cause;
    throw misconfiguration(name, cause.message);
  }
}

function open<Type extends DestinationConfig["type"]>(
  env: object,
  config: Extract<DestinationConfig, { type: Type }>,
  options: { localDevelopment: boolean },
): ArtifactStore {
  return STORES[config.type as Type](env, config, options);
}

function readSecret(env: object, name: string): string {
  const parsed = v.safeParse(Secret, (env as Record<string, unknown>)[name]);
  if (parsed.success) return parsed.output;
  throw new ExportError("configuration-invalid", `secret ${name} ${parsed.issues[0].message}`);
}

function getBucket(env: object, binding: string): R2Bucket {
  const value = (env as Record<string, unknown>)[binding];
  if (typeof value === "object" && value !== null && "createMultipartUpload" in value) {
    return value as R2Bucket;
  }
  const problem = value === undefined ? "is missing: add it to wrangler.jsonc" : "is no R2 bucket";
  throw new ExportError("configuration-invalid", `binding ${binding} ${problem}`);
}

function misconfiguration(name: string, reason: string): ExportError {
  return new ExportError("configuration-invalid", `EXPORT_DESTINATIONS: ${name}: ${reason}`);
}
