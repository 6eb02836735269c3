import { findNamedObject } from "../../api/source-config.ts";
import { encodeUtf8 } from "../../lib/bytes.ts";
import { assert } from "../../lib/assert.ts";
import { unwrap } from "../../rpc/outcome.ts";
import type { Manifest } from "../../api/manifest.ts";
import { toManifestKey } from "../../rpc/object-key.ts";
import { VERSION } from "../../api/version.ts";
import { findSnapshotMethod } from "../../rpc/snapshot-record.ts";
import { listTablesByArtifact } from "../../jobs/views/job-view.ts";
import type { RunContext } from "../engine/run-context.ts";

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
    const { job, tables, warnings, artifacts } = ledger.value;
    const { request, plan } = job;
    const tableOf = listTablesByArtifact(request, tables);
    const snapshotMethod = findSnapshotMethod(plan?.snapshot ?? null);
    const manifest: Manifest = {
      version: 1,
      generator: `durable-export ${VERSION}`,
      jobId: job.jobId,
      source: request.source,
      object: findNamedObject(request),
      format: request.format,
      compression: request.compression,
      consistency: snapshotMethod ?? request.consistency,
      requestedConsistency: request.consistency,
      snapshotMethod,
      content: request.content,
      snapshotAt: new Date(plan.snapshotAtMs).toISOString(),
      completedAt: new Date().toISOString(),
      tables: tables.map(({ name, rows, bytes }) => ({ name, rows, bytes })),
      artifacts: artifacts.map((artifact) => {
        assert(artifact.sha256 !== null, "a manifest is of verified artifacts");
        const uploaded = artifact.pieces.flatMap((piece) => piece.parts);
        // An artifact that was put whole is its own only part.
        const parts = uploaded.length > 0 ? uploaded : [{ number: 1, bytes: artifact.bytes }];
        return {
          name: artifact.name,
          table: tableOf[artifact.ordinal] ?? null,
          contentType: artifact.contentType,
          bytes: artifact.bytes,
          sha256: artifact.sha256,
          parts: parts.map(({ number, bytes }) => ({ number, bytes })),
          chunks: artifact.pieces.map(({ bytes, sha256, run }) => ({ bytes, sha256, run })),
        };
      }),
      warnings,
    };
    const body = encodeUtf8(`${JSON.stringify(manifest, null, 2)}\n`);
    const key = toManifestKey({ jobId: job.jobId, snapshotId: plan.snapshotId });
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
