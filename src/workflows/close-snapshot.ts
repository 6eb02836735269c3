import { closeSnapshot } from "../source/snapshot/close-snapshot.ts";
import type { RunContext } from "./run-context.ts";

/**
 * Removes what a run's snapshot has in its source. Repeating it, or coming late, is harmless: nothing is
 * done where a newer run reads the snapshot.
 */
export async function closeSnapshotOf(context: RunContext): Promise<{ closed: string | null }> {
  const { jobs, of } = context;
  const snapshot = await jobs.snapshotToClose(of);
  if (snapshot === null) return { closed: null };
  await closeSnapshot(context.openSource(snapshot.request), snapshot.snapshotId);
  await jobs.recordClosed(of.jobId, snapshot.snapshotId);
  return { closed: snapshot.snapshotId };
}
