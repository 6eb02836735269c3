import type { ExportEnv } from "../config/bindings.ts";
import { listCopyPlaces, requireRecipients } from "../config/copy-places.ts";
import { requireScratch } from "../config/scratch.ts";
import { findDefaultSource, getSourceConfig, type Settings } from "../config/settings.ts";
import { encodeUtf8, toHex } from "../lib/bytes.ts";
import {
  type ExportRequest,
  requireProvable,
  requireRetention,
  requireRows,
} from "../api/export-request.ts";
import { findNamedObject } from "../api/source-config.ts";
import { findDatabase, sourceObjectOf } from "../databases/open-source.ts";
import { getSourceKind } from "../databases/source-kinds.ts";
import type { NewJob } from "../rpc/http-jobs.ts";
import { toReadableFolder } from "../rpc/readable-key.ts";
import { readSigningKey } from "../sealing/signature.ts";
import { checkCallback } from "./check-callback.ts";
import { fillRetention } from "./fill-retention.ts";

/**
 * Returns a checked request as a job to create, with the deployment's defaults filled in. Errors:
 * those for the names in the request, such as `source-not-found`, `destination-not-found` and
 * `callback-url-refused`, and `configuration-invalid` if its binding is missing, or if callbacks or
 * manifests cannot be signed.
 */
export async function prepareJob(
  config: Settings,
  request: ExportRequest,
  received: { env: ExportEnv; idempotencyKey: string | null; origin: string; nowMs: number },
): Promise<NewJob> {
  const { env, ...given } = received;
  requireRows(request);
  requireProvable(request);
  requireRetention(request, { policyByDefault: config.retention !== undefined });
  requireRecipients(config, request);
  // Reports a key that cannot sign now, not when the export is done.
  if (config.signingKey !== undefined) await readSigningKey(config.signingKey);
  if (request.verify === "restore") requireScratch(env);
  const { source: name = findDefaultSource(config), ...rest } = request;
  const source = getSourceConfig(config, name);
  // Reports a wrong binding now, instead of starting a job that would fail because of it.
  const database = findDatabase(env, source, sourceObjectOf(source, { ...rest, source: name }));
  const full = {
    // First: the digest depends on the order.
    source: name,
    ...rest,
    consistency: request.consistency ?? getSourceKind(source).promises.consistency.default,
    ...checkCallback(config, request.callbackUrl, received.origin),
    ...fillRetention(config, request),
  };
  const jobId = crypto.randomUUID();
  const named = { jobId, source: name, object: findNamedObject(rest) };
  const folder = toReadableFolder({ ...named, createdAtMs: received.nowMs });
  const copies = listCopyPlaces(config, request.copyTo ?? [], folder);
  const digest = await crypto.subtle.digest("SHA-256", encodeUtf8(JSON.stringify(full)));
  return {
    jobId,
    request: full,
    copies,
    databaseKey: database.key,
    requestDigest: toHex(new Uint8Array(digest)),
    ...given,
  };
}
