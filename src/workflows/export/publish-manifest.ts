import type { CopyTask } from "../../rpc/copy-jobs.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { findStoredManifest, storeManifest } from "../ending/store-manifest.ts";
import type { RunContext } from "../engine/run-context.ts";
import { makeManifest } from "./make-manifest.ts";

/** What a run's last step reports to the dashboard; `callback` is true if one must be sent. */
export interface Completed {
  status: string;
  rows: number;
  bytes: number;
  callback: boolean;
}

/**
 * Writes the manifest next to the artifacts and completes the job. Repeating it changes nothing.
 */
export async function publishManifest(context: RunContext): Promise<Completed> {
  const { jobs, runId } = context;
  const ledger = await jobs.ledger(runId);
  // An earlier attempt may have completed the job and lost its answer.
  if (ledger.ok) {
    const manifest = makeManifest(ledger.value, Date.now());
    await storeManifest(context, ledger.value.job.plan, { manifest });
  }
  return completeJob(context);
}

/**
 * Writes the manifest of a job with copies next to the artifacts, and returns the next step of
 * copying. A manifest that exists stays, because copies may contain it.
 */
export async function publishForCopies(context: RunContext): Promise<{ next: CopyTask | null }> {
  const { jobs, runId } = context;
  const ledger = unwrap(await jobs.ledger(runId));
  const { plan } = ledger.job;
  const stored = await findStoredManifest(context, plan);
  await storeManifest(context, plan, { manifest: makeManifest(ledger, Date.now()), stored });
  return { next: unwrap(await jobs.recordManifest({ ...runId, copying: 0 })) };
}

/** Completes a job whose manifest is stored. Repeating it changes nothing. */
export async function completeJob({ jobs, runId }: RunContext): Promise<Completed> {
  const view = unwrap(await jobs.complete(runId));
  const { status, progress, callback } = view;
  return {
    status,
    rows: progress.rows,
    bytes: progress.bytes,
    callback: callback.status === "pending",
  };
}
