import { ExportError } from "../api/errors.ts";
import { requireRetention } from "../api/export-request.ts";
import type { FleetNames } from "../api/fleet-names.ts";
import type { FleetRequest } from "../api/fleet-request.ts";
import type { SourceConfig } from "../api/source-config.ts";
import type { ExportEnv } from "../config/bindings.ts";
import { listCopyPlaces, requireRecipients } from "../config/copy-places.ts";
import { findDefaultSource, getSourceConfig, type Settings } from "../config/settings.ts";
import { findBindingProblem, findDatabase, sourceObjectOf } from "../databases/open-source.ts";
import { getSourceKind } from "../databases/source-kinds.ts";
import { encodeUtf8, toHex } from "../lib/bytes.ts";
import type { NewFleet } from "../rpc/fleet-jobs.ts";
import { toReadableFolder } from "../rpc/readable-key.ts";
import { readSigningKey } from "../sealing/signature.ts";
import { checkCallback } from "./check-callback.ts";
import { fillRetention } from "./fill-retention.ts";

/**
 * Returns a checked request as a fleet to create, with the defaults of the source and the deployment filled in. It
 * refuses what can be known before the names are read. Errors: `source-not-found`, `invalid-request` for a source of one
 * database or without names, and for retention that contradicts itself, `callback-url-refused`,
 * `destination-not-found`, `configuration-invalid`.
 */
export async function prepareFleet(
  config: Settings,
  request: FleetRequest,
  received: { env: ExportEnv; idempotencyKey: string | null; origin: string; nowMs: number },
): Promise<NewFleet> {
  const { env, ...given } = received;
  requireRetention(request, { policyByDefault: config.retention !== undefined });
  requireRecipients(config, request);
  // Reports a key that cannot sign now, not when the fleet is done.
  if (config.signingKey !== undefined) await readSigningKey(config.signingKey);
  const { source: name = findDefaultSource(config), ...rest } = request;
  const source = getSourceConfig(config, name);
  const kind = getSourceKind(source);
  if (kind.objects(source) === "one") {
    throw refuse(
      "source",
      `source ${JSON.stringify(name)} is one database; a fleet needs a class with \`names\``,
    );
  }
  const problem = findBindingProblem(env, source);
  if (problem !== null) throw new ExportError("configuration-invalid", problem);
  const names = request.names ?? kind.listNames(source);
  if (names === undefined) {
    throw refuse(
      "names",
      `EXPORT_SOURCES lists no names for source ${JSON.stringify(name)}; send \`names\``,
    );
  }
  requireReadable(config, env, { source, name, names });
  const full = {
    // First: the digest depends on the order.
    source: name,
    ...rest,
    names,
    consistency: request.consistency ?? kind.promises.consistency.default,
    ...checkCallback(config, request.callbackUrl, received.origin),
    ...fillRetention(config, request),
  };
  const jobId = crypto.randomUUID();
  const named = { jobId, source: name, object: null, createdAtMs: received.nowMs };
  const copies = listCopyPlaces(config, request.copyTo ?? [], toReadableFolder(named));
  const digest = await crypto.subtle.digest("SHA-256", encodeUtf8(JSON.stringify(full)));
  return {
    jobId,
    request: full,
    copies,
    requestDigest: toHex(new Uint8Array(digest)),
    ...given,
  };
}

/** Requires what reading the names needs, and that the source allows those that are listed. */
function requireReadable(
  config: Settings,
  env: ExportEnv,
  { source, name, names }: { source: SourceConfig; name: string; names: FleetNames },
): void {
  if (Array.isArray(names)) {
    for (const member of names) sourceObjectOf(source, { source: name, name: member });
    return;
  }
  if ("query" in names) {
    const registry = getSourceConfig(config, names.source);
    findDatabase(env, registry, sourceObjectOf(registry, { source: names.source }));
    return;
  }
  if ("namespace" in names && !env.CLOUDFLARE_API_TOKEN) {
    throw new ExportError(
      "configuration-invalid",
      "a fleet lists a namespace, and the secret CLOUDFLARE_API_TOKEN is not set",
    );
  }
}

function refuse(path: string, message: string): ExportError {
  return new ExportError("invalid-request", `the request: ${path}: ${message}`, {
    details: { issues: [{ path, message }] },
  });
}
