import type { FleetManifest } from "../../api/fleet-manifest.ts";
import { listMaskedColumns } from "../../api/masks.ts";
import { VERSION } from "../../api/version.ts";
import type { CopyTask } from "../../rpc/copy-jobs.ts";
import type { FleetLedger } from "../../rpc/fleet-jobs.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { findStoredManifest, storeManifest } from "../ending/store-manifest.ts";
import type { RunContext } from "../engine/run-context.ts";

/** What a fleet's last step reports to the dashboard; `callback` is true if one must be sent. */
export interface CompletedFleet {
  status: string;
  packed: number;
  failed: number;
  bytes: number;
  callback: boolean;
}

/**
 * Writes the manifest next to the packs and completes the fleet. Repeating it changes nothing. Errors: those of the
 * store.
 */
export async function publishFleet(context: RunContext): Promise<CompletedFleet> {
  const { jobs, runId } = context;
  const ledger = await jobs.fleetLedger(runId);
  // An earlier attempt may have completed the fleet and lost its answer.
  if (ledger.ok) {
    const manifest = makeFleetManifest(ledger.value);
    await storeManifest(context, ledger.value.fleet, { manifest });
  }
  return completeFleet(context);
}

/**
 * Writes the manifest of a fleet with copies next to the packs, and returns the next step of copying. A manifest that
 * exists stays, because copies may contain it. Errors: those of the store.
 */
export async function publishFleetForCopies(
  context: RunContext,
): Promise<{ next: CopyTask | null }> {
  const { jobs, runId } = context;
  const ledger = unwrap(await jobs.fleetLedger(runId));
  const stored = await findStoredManifest(context, ledger.fleet);
  await storeManifest(context, ledger.fleet, { manifest: makeFleetManifest(ledger), stored });
  return { next: unwrap(await jobs.recordManifest({ ...runId, copying: 0 })) };
}

/** Completes a fleet whose manifest is stored. Repeating it changes nothing. */
export async function completeFleet({ jobs, runId }: RunContext): Promise<CompletedFleet> {
  const view = unwrap(await jobs.completeFleet(runId));
  const { status, members, progress, callback } = view;
  return {
    status,
    packed: members.packed,
    failed: members.failed,
    bytes: progress.bytes,
    callback: callback.status === "pending",
  };
}

/** Returns the manifest of a fleet that completes now. */
function makeFleetManifest({
  fleet,
  packs,
  exports,
  failures,
  warnings,
}: FleetLedger): FleetManifest {
  const { request, state } = fleet;
  const { packed, exported, empty, failed } = state;
  const masked = listMaskedColumns(request.mask);
  return {
    version: 1,
    generator: `durable-export ${VERSION}`,
    fleetId: fleet.jobId,
    source: request.source,
    namedBy: state.list?.namedBy ?? "name",
    compression: request.compression,
    content: request.content,
    tables: request.tables ?? null,
    ...(masked.length > 0 && { masked }),
    startedAt: new Date(fleet.startedAtMs).toISOString(),
    completedAt: new Date().toISOString(),
    members: { total: state.list?.total ?? 0, packed, exported, empty, failed },
    rows: state.rows,
    packs: packs.map((pack) => ({
      number: pack.number,
      key: pack.key,
      bytes: pack.bytes,
      sha256: pack.sha256,
      members: pack.members,
      rows: pack.rows,
      first: pack.first,
      last: pack.last,
      index: { key: pack.indexKey, bytes: pack.indexBytes, sha256: pack.indexSha256 },
    })),
    exports: exports.map(({ copies, ...rest }) => ({
      ...rest,
      ...(copies.length > 0 && { copies }),
    })),
    failures,
    warnings,
    ...(fleet.copies.length > 0 && { copies: fleet.copies }),
  };
}
