import { type ExportEnv, getExportJobs } from "../../config/bindings.ts";
import { readSettings } from "../../config/settings.ts";
import { sweepSnapshots } from "../../reading/snapshot/close-snapshot.ts";
import type { Source } from "../../databases/source.ts";
import { openRequestedSource, type RunContext } from "../engine/run-context.ts";

/** The result of a step "close snapshot", for the dashboard. */
interface ClosedSnapshot {
  closed: string | null;
  /** Empty tables that were locked. The watchdog has them removed later. */
  tablesLeft: number;
}

/**
 * Removes what a run's snapshot left in its source. Repeated or late calls are harmless: if a newer run reads the
 * snapshot, nothing happens.
 */
export async function closeRunSnapshot(context: RunContext): Promise<ClosedSnapshot> {
  const { jobs, runId } = context;
  const snapshot = await jobs.snapshotToClose(runId);
  if (snapshot === null) return { closed: null, tablesLeft: 0 };
  const { snapshotId, request } = snapshot;
  const source = context.openSource(request);
  const tablesLeft = await closeAll(source, { jobs, jobId: runId.jobId, snapshotId });
  await jobs.recordClosed(runId.jobId, { snapshotId, tablesLeft });
  return { closed: snapshotId, tablesLeft };
}

/**
 * Removes what an expired stream left in its source, and deletes the stream's record. Repeated or late calls are
 * harmless.
 */
export async function closeStreamSnapshot(
  env: ExportEnv,
  streamId: string,
): Promise<ClosedSnapshot> {
  const jobs = getExportJobs(env);
  const stream = await jobs.streamToClose(streamId);
  if (stream === null) return { closed: null, tablesLeft: 0 };
  const { request, snapshotId } = stream;
  let tablesLeft = 0;
  if (snapshotId !== null) {
    const source = openRequestedSource(env, readSettings(env), request);
    tablesLeft = await closeAll(source, { jobs, jobId: streamId, snapshotId });
  }
  if (tablesLeft === 0) await jobs.endStream(streamId);
  return { closed: snapshotId, tablesLeft };
}

/**
 * Closes a snapshot and any other snapshot of its job, since an attempt whose answer was lost may have opened one.
 * Returns how many empty tables are left.
 */
async function closeAll(
  source: Source,
  snapshot: { jobs: RunContext["jobs"]; jobId: string; snapshotId: string },
): Promise<number> {
  const { tablesLeft } = await sweepSnapshots(
    source,
    async (found) =>
      found.jobId === snapshot.jobId && (await snapshot.jobs.isSnapshotLeftover(found)),
    { closes: snapshot.snapshotId },
  );
  return tablesLeft;
}
