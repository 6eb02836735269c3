import { createHash } from "node:crypto";

import type { ArtifactRecord, NextAction } from "../model/checkpoint.ts";
import { ExportError, unwrap } from "../model/error.ts";
import { MIB } from "../model/limits.ts";
import { readBlocks } from "../lib/read-blocks.ts";
import { yieldTurn } from "../lib/yield-turn.ts";
import type { RunContext } from "./run-context.ts";

async function getArtifact({ jobs, of }: RunContext, ordinal: number): Promise<ArtifactRecord> {
  const artifact = unwrap(await jobs.artifact(of, ordinal));
  if (artifact === null) throw new ExportError("internal-error", `there is no artifact ${ordinal}`);
  return artifact;
}

/** Begins the multipart upload of an artifact whose first part is full. A try too many leaves none open. */
export async function openArtifact(
  context: RunContext,
  ordinal: number,
): Promise<{ artifact: string; next: NextAction }> {
  const { jobs, of, store } = context;
  const { name, objectKey, contentType } = await getArtifact(context, ordinal);
  const uploadId = await store.createUpload(objectKey, { contentType });
  const recorded = await jobs.setArtifact(of, { ordinal, uploadId, state: "uploading" }, 1);
  if (!recorded.ok) await store.abortUpload({ key: objectKey, uploadId });
  return { artifact: name, next: unwrap(recorded) };
}

/** Makes the object of the parts that the ledger lists. */
export async function completeArtifact(
  context: RunContext,
  ordinal: number,
): Promise<{ artifact: string; bytes: number; parts: number; next: NextAction }> {
  const { jobs, of, store } = context;
  const { name, objectKey, uploadId, bytes } = await getArtifact(context, ordinal);
  if (uploadId === null) throw new ExportError("internal-error", `${name} has no upload`);
  const parts = unwrap(await jobs.pieces(of, ordinal)).flatMap((piece) => piece.parts);
  const object = await store.completeUpload({ key: objectKey, uploadId }, parts);
  if (object.bytes !== bytes) {
    throw new ExportError(
      "artifact-corrupt",
      `${name} has ${object.bytes} bytes where the ledger has ${bytes}`,
    );
  }
  const next = unwrap(await jobs.setArtifact(of, { ordinal, state: "stored" }, 1));
  return { artifact: name, bytes, parts: parts.length, next };
}

/** Where verifying goes on. */
export interface VerifyFrom {
  ordinal: number;
  artifact: string;
}

/**
 * Reads artifacts back, from `ordinal` on until `bytesMax` are read, and compares each chunk of
 * what is stored with what was written. Gives where to go on. Errors: `artifact-corrupt`.
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
}> {
  const { jobs, of } = context;
  let ordinal = from;
  let bytes = 0;
  let sha256: string | null = null;
  for (;;) {
    const artifact = unwrap(await jobs.artifact(of, ordinal));
    if (artifact === null) return { artifacts: ordinal - from, bytes, sha256, next: null };
    if (bytes >= bytesMax) {
      const next = { ordinal, artifact: artifact.name };
      return { artifacts: ordinal - from, bytes, sha256, next };
    }
    sha256 = artifact.sha256 ?? (await verifyArtifact(context, artifact));
    bytes += artifact.bytes;
    unwrap(await jobs.setArtifact(of, { ordinal, sha256, state: "verified" }));
    ordinal += 1;
  }
}

async function verifyArtifact(context: RunContext, artifact: ArtifactRecord): Promise<string> {
  const pieces = unwrap(await context.jobs.pieces(context.of, artifact.ordinal));
  const body = await context.store.read(artifact.objectKey);
  if (body === undefined) {
    throw new ExportError("artifact-corrupt", `${artifact.name} is not in the store`);
  }
  const whole = createHash("sha256");
  let at = 0;
  let left = pieces[0]?.bytes ?? 0;
  let hash = createHash("sha256");
  const endPiece = (): void => {
    while (left === 0 && at < pieces.length) {
      if (hash.digest("hex") !== pieces[at]?.sha256) {
        throw new ExportError(
          "artifact-corrupt",
          `chunk ${at + 1} of ${artifact.name} is not what was written`,
        );
      }
      at += 1;
      left = pieces[at]?.bytes ?? 0;
      hash = createHash("sha256");
    }
  };
  endPiece();
  for await (const bytes of readBlocks(body, MIB)) {
    await yieldTurn();
    whole.update(bytes);
    for (let offset = 0; offset < bytes.byteLength;) {
      if (at === pieces.length) {
        throw new ExportError(
          "artifact-corrupt",
          `${artifact.name} is longer than what was written`,
        );
      }
      const slice = bytes.subarray(offset, offset + left);
      hash.update(slice);
      offset += slice.byteLength;
      left -= slice.byteLength;
      endPiece();
    }
  }
  if (at < pieces.length) {
    throw new ExportError("artifact-corrupt", `${artifact.name} is shorter than what was written`);
  }
  return whole.digest("hex");
}
