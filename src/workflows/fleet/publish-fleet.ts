import type { FleetManifest } from "../../api/fleet-manifest.ts";
import { VERSION } from "../../api/version.ts";
import { encodeUtf8 } from "../../lib/bytes.ts";
import type { FleetLedger } from "../../rpc/fleet-jobs.ts";
import { toManifestKey } from "../../rpc/object-key.ts";
import { unwrap } from "../../rpc/outcome.ts";
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
 * Writes the manifest next to the packs and completes the fleet. Repeating it changes nothing. Errors:
 * `fleet-members-failed`, those of the store.
 */
export async function publishFleet({ jobs, runId, store }: RunContext): Promise<CompletedFleet> {
  const ledger = await jobs.fleetLedger(runId);
  // An earlier attempt may have completed the fleet and lost its answer.
  if (ledger.ok) {
    const body = encodeUtf8(`${JSON.stringify(makeFleetManifest(ledger.value), null, 2)}\n`);
    await store.put(toManifestKey(ledger.value.fleet), body, {
      contentType: "application/json",
    });
  }
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
function makeFleetManifest({ fleet, packs, exports, failures }: FleetLedger): FleetManifest {
  const { request, state } = fleet;
  const { packed, exported, empty, failed } = state;
  return {
    version: 1,
    generator: `durable-export ${VERSION}`,
    fleetId: fleet.jobId,
    source: request.source,
    namedBy: state.list?.namedBy ?? "name",
    compression: request.compression,
    content: request.content,
    tables: request.tables ?? null,
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
    exports,
    failures,
    warnings: fleet.warnings,
  };
}
