import type { DestinationConfig } from "../../api/destination-config.ts";
import { ExportError } from "../../api/errors.ts";
import { readDestinationKeys } from "../../config/destination-keys.ts";
import type { Settings } from "../../config/settings.ts";
import type { ArtifactStore } from "../artifact-store.ts";
import { r2ArtifactStore } from "../r2/r2-artifact-store.ts";
import { s3ArtifactStore } from "../s3/s3-artifact-store.ts";
import { withPrefix } from "./with-prefix.ts";

/** The registry of destinations, by type: each entry opens the store of one. */
const STORES: {
  [Type in DestinationConfig["type"]]: (
    env: object,
    config: Extract<DestinationConfig, { type: Type }>,
    options: { localDevelopment: boolean },
  ) => ArtifactStore;
} = {
  s3: (env, { endpoint, region, bucket, pathStyle, credentials }, options) => {
    const keys = readDestinationKeys(env, credentials);
    return s3ArtifactStore({ endpoint, region, bucket, pathStyle, ...keys }, options);
  },
  r2: (env, { binding }) => r2ArtifactStore(getBucket(env, binding)),
};

/**
 * Opens the store of a destination. Its keys start with the destination's prefix. Errors: those of
 * `openBucket`.
 */
export function openDestination(
  env: object,
  settings: Pick<Settings, "destinations">,
  name: string,
  options: { localDevelopment: boolean },
): ArtifactStore {
  const store = openBucket(env, settings, name, options);
  return withPrefix(store, settings.destinations[name]?.prefix ?? "");
}

/**
 * Opens the store of a destination for whole keys: those of a copy start with the prefix that the
 * destination had when the job was created. Errors: `configuration-invalid` if there is no such
 * destination, or if its binding or a secret is missing or invalid; the message names the
 * destination and never contains a secret.
 */
export function openBucket(
  env: object,
  { destinations }: Pick<Settings, "destinations">,
  name: string,
  options: { localDevelopment: boolean },
): ArtifactStore {
  const config = Object.hasOwn(destinations, name) ? destinations[name] : undefined;
  if (config === undefined) throw misconfiguration(name, "there is no such destination");
  try {
    return open(env, config, options);
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
  return STORES[config.type](env, config, options);
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
