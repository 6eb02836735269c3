import { type ExportEnv, getExportJobs, parseConfig } from "../env.ts";
import { closeSnapshot } from "../source/snapshot/close-snapshot.ts";
import { openRequested, type RunContext } from "./run-context.ts";

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

/**
 * Removes what a stream whose lease has run out has in its source, and forgets the stream. Repeating it, or
 * coming late, is harmless.
 */
export async function closeSnapshotOfStream(
  env: ExportEnv,
  streamId: string,
): Promise<{ closed: string | null }> {
  const jobs = getExportJobs(env);
  const stream = await jobs.streamToClose(streamId);
  if (stream === null) return { closed: null };
  const { request, snapshotId } = stream;
  if (snapshotId !== null) {
    await closeSnapshot(openRequested(env, parseConfig(env), request), snapshotId);
  }
  await jobs.endStream(streamId);
  return { closed: snapshotId };
}
