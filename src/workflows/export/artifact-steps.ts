import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

import type { ArtifactRecord } from "../../rpc/artifact-record.ts";
import type { NextAction } from "../../rpc/next-action.ts";
import { unwrap } from "../../rpc/outcome.ts";
import type { CopyPlan } from "../../rpc/run-jobs.ts";
import { ExportError } from "../../api/errors.ts";
import { afterCheck } from "../../lib/after-check.ts";
import { makeTurnYielder } from "../../lib/yield-turn.ts";
import { readObjectBlocks } from "../../storage/read-object-blocks.ts";
import { isChunkOver } from "./chunk-end.ts";
import type { RunContext } from "../engine/run-context.ts";

async function getArtifact({ jobs, runId }: RunContext, ordinal: number): Promise<ArtifactRecord> {
  const artifact = unwrap(await jobs.artifact(runId, ordinal));
  if (artifact === null) throw new ExportError("internal-error", `there is no artifact ${ordinal}`);
  return artifact;
}

/**
 * Begins the multipart upload of an artifact whose first part is full. A redundant attempt leaves
 * no upload open.
 */
export async function openArtifact(
  context: RunContext,
  ordinal: number,
): Promise<{ artifact: string; next: NextAction }> {
  const { jobs, runId, store } = context;
  const { name, objectKey, contentType, state } = await getArtifact(context, ordinal);
  if (state !== "wants-upload") {
    // An earlier attempt began it, and its answer was lost.
    return { artifact: name, next: unwrap(await jobs.checkpoint(runId)).next };
  }
  const uploadId = await store.createUpload(objectKey, { contentType });
  const { write: billed } = store.billedOperations;
  const recorded = await jobs.recordUpload(runId, { ordinal, objectKey, uploadId }, billed);
  if (!recorded.ok || !recorded.value.kept) await store.abortUpload({ key: objectKey, uploadId });
  return { artifact: name, next: unwrap(recorded).next };
}

/** Creates the object from the parts that the ledger lists. */
export async function completeArtifact(
  context: RunContext,
  ordinal: number,
): Promise<{ artifact: string; bytes: number; parts: number; next: NextAction }> {
  const { jobs, runId, store } = context;
  const { name, objectKey, uploadId, bytes, state } = await getArtifact(context, ordinal);
  if (uploadId === null) throw new ExportError("internal-error", `${name} has no upload`);
  const parts = unwrap(await jobs.pieces(runId, ordinal)).flatMap((piece) => piece.parts);
  if (state !== "written") {
    // An earlier attempt created the object, and its answer was lost.
    const { next } = unwrap(await jobs.checkpoint(runId));
    return { artifact: name, bytes, parts: parts.length, next };
  }
  const object = await store.completeUpload({ key: objectKey, uploadId }, parts);
  if (object.bytes !== bytes) {
    throw new ExportError(
      "artifact-corrupt",
      `${name} has ${object.bytes} bytes, but the ledger has ${bytes}`,
    );
  }
  const { write: billed } = store.billedOperations;
  const next = unwrap(await jobs.recordStored(runId, { ordinal, objectKey }, billed));
  return { artifact: name, bytes, parts: parts.length, next };
}

/** Where verification resumes. */
export interface VerifyFrom {
  ordinal: number;
  artifact: string;
}

/**
 * Reads artifacts back, starting with `ordinal`, until `bytesMax` are read or a minute has passed,
 * and compares each stored chunk with what was written. Returns where to resume. Errors:
 * `artifact-corrupt`.
 */
export async function verifyArtifacts(
  context: RunContext,
  from: number,
  bytesMax: number,
): Promise<{
  artifacts: number;
  bytes: number;
  sha256: string | null;
  next: VerifyFrom | null;
  copies: CopyPlan;
}> {
  const { jobs, runId } = context;
  const startedAtMs = Date.now();
  let ordinal = from;
  let bytes = 0;
  const verified: {
    ordinal: number;
    objectKey: string;
    sha256: string;
    crc32: number | null;
  }[] = [];
  // The only file of a job is never part of a ZIP.
  const needsCrc32 = unwrap(await jobs.artifact(runId, 1)) !== null;
  let next: VerifyFrom | null = null;
  for (;;) {
    const artifact = unwrap(await jobs.artifact(runId, ordinal));
    if (artifact === null) break;
    if (bytes >= bytesMax || isChunkOver({ startedAtMs, artifacts: verified.length })) {
      next = { ordinal, artifact: artifact.name };
      break;
    }
    const hashes =
      artifact.sha256 === null
        ? await verifyArtifact(context, artifact, needsCrc32)
        : { sha256: artifact.sha256, crc32: artifact.crc32 };
    verified.push({ ordinal, objectKey: artifact.objectKey, ...hashes });
    bytes += artifact.bytes;
    ordinal += 1;
  }
  const copies = unwrap(await jobs.recordVerified(runId, verified));
  const sha256 = verified.at(-1)?.sha256 ?? null;
  return { artifacts: verified.length, bytes, sha256, next, copies };
}

async function verifyArtifact(
  context: RunContext,
  artifact: ArtifactRecord,
  needsCrc32: boolean,
): Promise<{ sha256: string; crc32: number | null }> {
  const pieces = unwrap(await context.jobs.pieces(context.runId, artifact.ordinal));
  const written = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  const yieldTurn = makeTurnYielder();
  const whole = createHash("sha256");
  let checksum = 0;
  let at = 0;
  let left = pieces[0]?.bytes ?? 0;
  let hash = createHash("sha256");
  const endPiece = (): void => {
    while (left === 0 && at < pieces.length) {
      if (hash.digest("hex") !== pieces[at]?.sha256) {
        throw new ExportError(
          "artifact-corrupt",
          `chunk ${at + 1} of ${artifact.name} differs from what was written`,
        );
      }
      at += 1;
      left = pieces[at]?.bytes ?? 0;
      hash = createHash("sha256");
    }
  };
  endPiece();
  const { name, objectKey: key } = artifact;
  const blocks = readObjectBlocks(context.store, { key, name, bytes: written });
  // A far store takes both requests at the same time.
  const isStored = requireLength(context, artifact, written);
  for await (const bytes of afterCheck(isStored, blocks)) {
    await yieldTurn();
    await context.beat();
    whole.update(bytes);
    if (needsCrc32) checksum = crc32(bytes, checksum);
    for (let offset = 0; offset < bytes.byteLength;) {
      if (at === pieces.length) throw otherLength(artifact);
      const slice = bytes.subarray(offset, offset + left);
      hash.update(slice);
      offset += slice.byteLength;
      left -= slice.byteLength;
      endPiece();
    }
  }
  if (at < pieces.length) throw otherLength(artifact);
  return { sha256: whole.digest("hex"), crc32: needsCrc32 ? checksum : null };
}

/** Errors: `artifact-corrupt`; the store's own. */
async function requireLength(
  { store }: RunContext,
  { name, objectKey }: ArtifactRecord,
  written: number,
): Promise<void> {
  const object = await store.find(objectKey);
  if (object === undefined) {
    throw new ExportError("artifact-corrupt", `${name} is not in the store`);
  }
  if (object.bytes !== written) {
    throw new ExportError(
      "artifact-corrupt",
      `${name} has ${object.bytes} bytes, but ${written} were written`,
    );
  }
}

function otherLength({ name }: ArtifactRecord): ExportError {
  return new ExportError("artifact-corrupt", `${name} was read back with another length`);
}
