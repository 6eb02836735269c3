import { encodeUtf8 } from "../../lib/bytes.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { toManifestKey } from "../../rpc/object-key.ts";
import type { RunContext } from "../engine/run-context.ts";
import { makeManifest } from "./make-manifest.ts";

/**
 * Writes the manifest next to the artifacts and completes the job. Repeating it changes nothing.
 */
export async function publishManifest(
  context: RunContext,
): Promise<{ status: string; rows: number; bytes: number; callback: boolean }> {
  const { jobs, runId, store } = context;
  const ledger = await jobs.ledger(runId);
  // An earlier attempt may have completed the job and lost its answer.
  if (ledger.ok) {
    const { jobId, plan } = ledger.value.job;
    const manifest = makeManifest(ledger.value, Date.now());
    const body = encodeUtf8(`${JSON.stringify(manifest, null, 2)}\n`);
    const key = toManifestKey({ jobId, snapshotId: plan.snapshotId });
    await store.put(key, body, { contentType: "application/json" });
  }
  const view = unwrap(await jobs.complete(runId));
  const { status, progress, callback } = view;
  return {
    status,
    rows: progress.rows,
    bytes: progress.bytes,
    callback: callback.status === "pending",
  };
}
