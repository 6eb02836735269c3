import { ExportError } from "../api/errors.ts";
import type { RestoreRequest } from "../api/restore-request.ts";
import type { RestoreView } from "../api/restore-view.ts";
import type { ExportEnv } from "../config/bindings.ts";
import { getExportJobs } from "../config/bindings.ts";
import { findDefaultSource, getSourceConfig, type Settings } from "../config/settings.ts";
import { findDatabase, sourceObjectOf } from "../databases/open-source.ts";
import { encodeUtf8, toHex } from "../lib/bytes.ts";
import { listTargetTables } from "../loading/target.ts";
import type { NewRestore } from "../rpc/restore-jobs.ts";
import { unwrap } from "../rpc/outcome.ts";
import { findScript } from "../storage/find-script.ts";
import { openArtifactStore } from "../storage/open-artifact-store.ts";
import { checkCallback } from "./check-callback.ts";

/** A restore to create, or the restore that the request's Idempotency-Key already created. */
export type PreparedRestore =
  | { isKnown: false; restore: NewRestore }
  | { isKnown: true; view: RestoreView };

/** A safety export is kept for at least a week. */
const SAFETY_HOURS_MIN = 168;

/**
 * Returns a checked request as a restore to create, with the deployment's defaults filled in. Refuses as much as
 * possible now, before anything is recorded or changed. A known Idempotency-Key returns its restore unchecked.
 * Errors: `source-not-found`, `target-not-writable`, those of `findScript`, `callback-url-refused`,
 * `configuration-invalid`, `invalid-request`, and the target's own.
 */
export async function prepareRestore(
  config: Settings,
  request: RestoreRequest,
  received: { env: ExportEnv; idempotencyKey: string | null; origin: string; nowMs: number },
): Promise<PreparedRestore> {
  const { env, ...given } = received;
  const { target = findDefaultSource(config), ...rest } = request;
  if (request.undoOnFailure && request.mode !== "replace") {
    const message = "only a restore with `mode: replace` has something to undo";
    throw new ExportError("invalid-request", `the request: undoOnFailure: ${message}`, {
      details: { issues: [{ path: "undoOnFailure", message }] },
    });
  }
  const source = getSourceConfig(config, target);
  if (source.writable !== true) {
    throw new ExportError(
      "target-not-writable",
      `EXPORT_SOURCES does not say that source ${JSON.stringify(target)} is writable`,
    );
  }
  const database = findDatabase(env, source, sourceObjectOf(source, { ...rest, source: target }));
  const full = {
    // First: the digest depends on the order.
    target,
    ...rest,
    ...checkCallback(config, request.callbackUrl, received.origin),
    retentionHours: request.retentionHours ?? Math.max(config.retentionHours, SAFETY_HOURS_MIN),
  };
  const digest = await crypto.subtle.digest("SHA-256", encodeUtf8(JSON.stringify(full)));
  const requestDigest = toHex(new Uint8Array(digest));
  const jobs = getExportJobs(env);
  const { idempotencyKey } = given;
  if (idempotencyKey !== null) {
    // Comes first: a running restore has filled its target, and its script may be gone after it has ended.
    const known = unwrap(await jobs.findRestoreByKey({ idempotencyKey, requestDigest }));
    if (known !== null) return { isKnown: true, view: known };
  }
  const jobId = crypto.randomUUID();
  await findScript(
    {
      store: openArtifactStore(env),
      findExport: (exportId) => jobs.download(exportId),
      fleetInfo: (fleetId) => jobs.fleetInfo(fleetId),
      memberRecords: (fleetId, range) => jobs.memberRecords(fleetId, range),
      useFile: async (fileId) => unwrap(await jobs.useFile(fileId, jobId)),
    },
    request.from,
  );
  // Refused only after the lock is checked, because a running restore has filled its target itself.
  const filled =
    request.mode === "empty"
      ? (await listTargetTables(database.open())).find(({ hasRows }) => hasRows)
      : undefined;
  return {
    isKnown: false,
    restore: {
      jobId,
      request: full,
      databaseKey: database.key,
      requestDigest,
      filledTable: filled?.name ?? null,
      ...given,
    },
  };
}
