import { createHash } from "node:crypto";

import { ExportError } from "../api/errors.ts";
import { PARTS_MAX } from "../api/limits.ts";
import type { UploadCompletion, UploadedPart, UploadRequest, UploadView } from "../api/upload.ts";
import { type ExportEnv, getExportJobs } from "../config/bindings.ts";
import type { Settings } from "../config/settings.ts";
import { toHex } from "../lib/bytes.ts";
import { makeTurnYielder } from "../lib/yield-turn.ts";
import { toScriptKey } from "../rpc/object-key.ts";
import { unwrap } from "../rpc/outcome.ts";
import type { StoredPart } from "../rpc/stored-object.ts";
import type { FileToMake, PartAttempt } from "../rpc/upload-jobs.ts";
import type { ArtifactStore } from "../storage/artifact-store.ts";
import { openArtifactStore } from "../storage/open-artifact-store.ts";
import { readObjectBlocks } from "../storage/read-object-blocks.ts";

/** The content type of a stored script, which may be compressed. */
const CONTENT_TYPE = "application/octet-stream";

/**
 * Starts the upload of a script. Its parts have the size that the deployment uses now. Errors: `invalid-request` if
 * the announced size is too long for its parts, `inline-storage-full`, `storage-unavailable`.
 */
export async function startUpload(
  env: ExportEnv,
  { partBytes }: Settings,
  { name, bytes, sha256 }: UploadRequest,
): Promise<UploadView> {
  if (bytes !== undefined) requirePossible({ bytes, partBytes });
  const fileId = crypto.randomUUID();
  const key = toScriptKey({ fileId, nonce: crypto.randomUUID() });
  const announced = { bytes: bytes ?? null, sha256: sha256 ?? null };
  const file = { fileId, name, objectKey: key, partBytes, announced, nowMs: Date.now() };
  // First: the inline store takes an upload only for a file that is recorded.
  unwrap(await getExportJobs(env).createFile(file));
  const store = openArtifactStore(env);
  const uploadId = await store.createUpload(key, { contentType: CONTENT_TYPE });
  const opened = await getExportJobs(env).openFile(fileId, uploadId);
  if (!opened.ok) await store.abortUpload({ key, uploadId });
  return unwrap(opened);
}

function requirePossible({ bytes, partBytes }: { bytes: number; partBytes: number }): void {
  const bytesMax = partBytes * PARTS_MAX;
  if (bytes <= bytesMax) return;
  const message = `expected at most ${bytesMax}: raise EXPORT_PART_BYTES (${PARTS_MAX} parts a file)`;
  throw new ExportError("invalid-request", `the body: bytes: ${message}`, {
    details: { issues: [{ path: "bytes", message }] },
  });
}

/**
 * Stores one part of a script, in place of any earlier one. Errors: `file-not-found`; `part-invalid` if the part is
 * too long, is empty, does not match `announcedSha256`, or the file takes no more parts; `inline-storage-full`,
 * `storage-unavailable`.
 */
export async function storePart(
  env: ExportEnv,
  fileId: string,
  part: { number: number; bytes: Uint8Array; announcedSha256: string | null },
): Promise<UploadedPart> {
  const { number, bytes, announcedSha256 } = part;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (announcedSha256 !== null && announcedSha256 !== sha256) {
    throw new ExportError(
      "part-invalid",
      `part ${number} arrived with SHA-256 ${sha256}, and ${announcedSha256} was announced`,
      { details: { part: number } },
    );
  }
  const jobs = getExportJobs(env);
  const length = bytes.byteLength;
  const { upload, attempt } = unwrap(await jobs.beginPart({ fileId, number, bytes: length }));
  const stored = await sendPart(openArtifactStore(env), upload, { number, bytes });
  unwrap(await getExportJobs(env).recordPart(fileId, { attempt, part: stored }));
  return { number, bytes: length, sha256 };
}

async function sendPart(
  store: ArtifactStore,
  upload: PartAttempt["upload"],
  { number, bytes }: { number: number; bytes: Uint8Array },
): Promise<StoredPart> {
  try {
    return await store.putPart(upload, number, bytes);
  } catch (cause) {
    if (!isCorrupt(cause)) throw cause;
    // An earlier call may have completed the upload and lost its answer.
    throw new ExportError(
      "part-invalid",
      `part ${number} is refused: the store takes no more parts of the file. Complete it, or delete it`,
      { cause },
    );
  }
}

/**
 * Creates the file from its parts, reads it back, and records its SHA-256. May be repeated, also after a call that
 * was cut off. Errors: `file-not-found`; `file-not-complete` if a part is missing; `part-invalid` if a part must be
 * uploaded again; `file-differs` if size or hash are not the announced ones; `storage-unavailable`.
 */
export async function completeUpload(
  env: ExportEnv,
  fileId: string,
  { parts, sha256 }: UploadCompletion,
): Promise<UploadView> {
  const announcedSha256 = sha256 ?? null;
  const completion = { parts, sha256: announcedSha256 };
  const begun = unwrap(await getExportJobs(env).beginCompletion(fileId, completion));
  if ("view" in begun) return begun.view;
  try {
    const made = await makeObject(openArtifactStore(env), begun);
    const completed = { ...made, parts, announcedSha256 };
    return unwrap(await getExportJobs(env).completeFile(fileId, completed));
  } catch (cause) {
    if (!isCorrupt(cause)) throw cause;
    return unwrap(await getExportJobs(env).refuseFile(fileId));
  }
}

async function makeObject(
  store: ArtifactStore,
  { upload, parts, bytes }: FileToMake,
): Promise<{ bytes: number; etag: string; sha256: string }> {
  const { etag, bytes: made } = await store.completeUpload(upload, parts);
  if (made !== bytes) {
    throw new ExportError("artifact-corrupt", `the store made ${made} bytes of parts of ${bytes}`);
  }
  const yieldTurn = makeTurnYielder();
  const hash = createHash("sha256");
  const object = { key: upload.key, name: "the file", bytes };
  for await (const block of readObjectBlocks(store, object)) {
    await yieldTurn();
    hash.update(block);
  }
  return { bytes, etag, sha256: toHex(hash.digest()) };
}

function isCorrupt(cause: unknown): boolean {
  return cause instanceof ExportError && cause.code === "artifact-corrupt";
}
