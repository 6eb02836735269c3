import { encodeUtf8 } from "../../lib/bytes.ts";
import type { CopyTask } from "../../rpc/copy-jobs.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { toManifestKey, toSignatureKey } from "../../rpc/object-key.ts";
import type { JobLedger } from "../../rpc/run-jobs.ts";
import { readSigningKey, signManifest } from "../../sealing/signature.ts";
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
  if (ledger.ok) await storeManifest(context, ledger.value);
  return completeJob(context);
}

/**
 * Writes the manifest of a job with copies next to the artifacts, and returns the next step of
 * copying. A manifest that exists stays, because copies may contain it.
 */
export async function publishForCopies(context: RunContext): Promise<{ next: CopyTask | null }> {
  const { jobs, runId, store } = context;
  const ledger = unwrap(await jobs.ledger(runId));
  const stored = await store.read(toManifestKey(ledger.job.plan));
  await storeManifest(context, ledger, stored && (await readWhole(stored)));
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

/** Writes a new manifest, or keeps the one that is `stored`, and writes its signature if there is a key. */
async function storeManifest(
  { store, config, jobs, runId }: RunContext,
  ledger: JobLedger,
  stored?: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const isSigned = config.signingKey !== undefined;
  const manifest = { ...makeManifest(ledger, Date.now()), ...(isSigned && { signed: true }) };
  const body = stored ?? encodeUtf8(`${JSON.stringify(manifest, null, 2)}\n`);
  const { plan } = ledger.job;
  if (config.signingKey !== undefined) {
    const key = await readSigningKey(config.signingKey);
    unwrap(await jobs.beginSigning(runId));
    const signature = await signManifest(key, body);
    await store.put(toSignatureKey(plan), signature, { contentType: "application/octet-stream" });
  }
  if (stored === undefined) {
    await store.put(toManifestKey(plan), body, { contentType: "application/json" });
  }
}

async function readWhole(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(body).arrayBuffer());
}
