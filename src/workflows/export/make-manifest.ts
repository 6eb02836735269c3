import type { Manifest, ManifestV2 } from "../../api/manifest.ts";
import { listMaskedColumns } from "../../api/masks.ts";
import { findNamedObject } from "../../api/source-config.ts";
import { VERSION } from "../../api/version.ts";
import { listTablesByArtifact } from "../../jobs/views/job-view.ts";
import { assert } from "../../lib/assert.ts";
import type { LedgerPiece } from "../../rpc/artifact-record.ts";
import type { JobLedger } from "../../rpc/run-jobs.ts";
import { findSnapshotMethod } from "../../rpc/snapshot-record.ts";

/**
 * Makes the manifest of a job whose artifacts are verified. It has version 1 if an earlier version of this code
 * planned the job or wrote one of its chunks, since the text's hashes are then unknown.
 */
export function makeManifest(ledger: JobLedger, nowMs: number): Manifest {
  const { request, plan } = ledger.job;
  const common = describeJob(ledger, nowMs);
  const artifacts = describeArtifacts(ledger);
  const { writer } = plan;
  const chunks = ledger.artifacts.map(({ pieces }) => listTextChunks(pieces));
  if (writer === null || chunks.includes(undefined)) {
    return {
      version: 1,
      ...common,
      artifacts: artifacts.map((artifact, at) => ({
        ...artifact,
        chunks: (ledger.artifacts[at]?.pieces ?? []).map(listChunk),
      })),
    };
  }
  const { encoding, version, stage } = writer;
  const { source, content, tables = null } = request;
  return {
    version: 2,
    ...common,
    encoding,
    request: { source, content, tables },
    writer: { version, stage },
    artifacts: artifacts.map((artifact, at) => ({ ...artifact, chunks: chunks[at] ?? [] })),
  };
}

type Artifact = ManifestV2["artifacts"][number];

type Common = Omit<ManifestV2, "version" | "encoding" | "request" | "writer" | "artifacts">;

function describeJob({ job, tables, warnings, copies }: JobLedger, nowMs: number): Common {
  const { request, plan } = job;
  const snapshotMethod = findSnapshotMethod(plan.snapshot);
  const masked = listMaskedColumns(request.mask);
  return {
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
    completedAt: new Date(nowMs).toISOString(),
    tables: tables.map(({ name, rows, bytes }) => ({ name, rows, bytes })),
    warnings,
    ...(masked.length > 0 && { masked }),
    ...(job.proof.state !== "none" && { proof: job.proof }),
    ...(copies.length === 0 ? {} : { copies }),
  };
}

function describeArtifacts({ job, tables, artifacts }: JobLedger): Omit<Artifact, "chunks">[] {
  const tableOf = listTablesByArtifact(job.request, tables);
  return artifacts.map((artifact) => {
    assert(artifact.sha256 !== null, "a manifest is of verified artifacts");
    const uploaded = artifact.pieces.flatMap((piece) => piece.parts);
    // One that was put whole is its own only part.
    const { name, contentType, bytes, sha256 } = artifact.plain ?? artifact;
    const parts = uploaded.length > 0 ? uploaded : [{ number: 1, bytes }];
    const sealed = { name: artifact.name, bytes: artifact.bytes, sha256: artifact.sha256 };
    return {
      name,
      table: tableOf[artifact.ordinal] ?? null,
      contentType,
      bytes,
      sha256: sha256 ?? "",
      ...(artifact.plain !== null && { sealed }),
      parts: parts.map((part) => ({ number: part.number, bytes: part.bytes })),
    };
  });
}

function listChunk({
  bytes,
  sha256,
  run,
}: LedgerPiece): Omit<Artifact["chunks"][number], "textBytes" | "textSha256"> {
  return { bytes, sha256, run };
}

/** Undefined if the text of a piece is unknown. */
function listTextChunks(pieces: readonly LedgerPiece[]): Artifact["chunks"] | undefined {
  const chunks: Artifact["chunks"] = [];
  for (const piece of pieces) {
    const { textBytes, textSha256 } = piece;
    if (textBytes === null || textSha256 === null) return undefined;
    chunks.push({ ...listChunk(piece), textBytes, textSha256 });
  }
  return chunks;
}
