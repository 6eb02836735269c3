import { type ExportEnv, getExportJobs, parseConfig } from "../env.ts";
import { sweepSnapshots } from "../source/snapshot/close-snapshot.ts";
import type { Source } from "../source/source.ts";
import { openRequested, type RunContext } from "./run-context.ts";

/**
 * Removes what a run's snapshot has in its source. Repeating it, or coming late, is harmless: nothing is
 * done where a newer run reads the snapshot.
 */
export async function closeSnapshotOf(context: RunContext): Promise<{ closed: string | null }> {
  const { jobs, of } = context;
  const snapshot = await jobs.snapshotToClose(of);
  if (snapshot === null) return { closed: null };
  const source = context.openSource(snapshot.request);
  await closeAll(source, { jobs, jobId: of.jobId, snapshotId: snapshot.snapshotId });
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
    const source = openRequested(env, parseConfig(env), request);
    await closeAll(source, { jobs, jobId: streamId, snapshotId });
  }
  await jobs.endStream(streamId);
  return { closed: snapshotId };
}

/** Closes a snapshot, and others of its job: a try whose answer was lost may have opened one. */
async function closeAll(
  source: Source,
  of: { jobs: RunContext["jobs"]; jobId: string; snapshotId: string },
): Promise<void> {
  await sweepSnapshots(
    source,
    async (found) =>
      found.snapshotId === of.snapshotId ||
      (found.jobId === of.jobId && (await of.jobs.isSnapshotLeftover(found))),
  );
}
