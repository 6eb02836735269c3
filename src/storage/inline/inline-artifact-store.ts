import { type Outcome, unwrap } from "../../rpc/outcome.ts";
import { ExportError } from "../../api/errors.ts";
import { BLOB_BYTES_MAX, MIB, PARTS_MAX } from "../../api/limits.ts";
import type { StoredPart, Upload } from "../../rpc/stored-object.ts";
import type { ArtifactStore } from "../artifact-store.ts";
import type { InlineObjects } from "../../rpc/inline-objects.ts";

/**
 * How many bytes cross to the object in one call: a part of the default size. RPC allows 32 MiB.
 */
const PIECE_BYTES = 8 * MIB;

/**
 * Returns a store that keeps artifacts in the database of `ExportJobs`, for deployments without a
 * bucket. It accepts writes only for the job that a key names, and only while that job runs:
 * otherwise `run-superseded`. If the database has no space: `inline-storage-full`.
 */
export function inlineArtifactStore(
  open: () => DurableObjectStub<InlineObjects & Rpc.DurableObjectBranded>,
): ArtifactStore {
  /** A stub whose object has died stays broken, so each call opens a new one. */
  const call = async <T>(
    work: (
      jobs: DurableObjectStub<InlineObjects & Rpc.DurableObjectBranded>,
    ) => Promise<Outcome<T>>,
  ): Promise<T> => unwrap(await awaitAnswer(work(open())));

  const createUpload = (key: string): Promise<string> => call((jobs) => jobs.createUpload(key));
  const putPart = async (
    upload: Upload,
    number: number,
    bytes: Uint8Array,
  ): Promise<StoredPart> => {
    if (number > PARTS_MAX) {
      throw new ExportError("artifact-too-large", `an artifact has at most ${PARTS_MAX} parts`);
    }
    const etag = crypto.randomUUID();
    let offset = 0;
    do {
      const piece = cutPiece(bytes, offset);
      await call((jobs) => jobs.putPiece({ upload, number, etag, offset, bytes: piece }));
      offset += piece.byteLength;
    } while (offset < bytes.byteLength);
    return { number, bytes: bytes.byteLength, etag };
  };
  const find: ArtifactStore["find"] = async (key) =>
    (await call((jobs) => jobs.findObject(key))) ?? undefined;
  const completeUpload: ArtifactStore["completeUpload"] = (upload, parts) =>
    call((jobs) => jobs.completeUpload(upload, parts));
  return {
    billedOperations: { write: 0 },
    usesJobsDatabase: true,
    put: async (key, bytes) => {
      if (bytes.byteLength <= PIECE_BYTES) {
        return call((jobs) => jobs.putObject(key, cutPiece(bytes, 0)));
      }
      const upload = { key, uploadId: await createUpload(key) };
      const parts: StoredPart[] = [];
      for (let offset = 0; offset < bytes.byteLength; offset += PIECE_BYTES) {
        parts.push(await putPart(upload, parts.length + 1, cutPiece(bytes, offset)));
      }
      return completeUpload(upload, parts);
    },
    createUpload,
    putPart,
    completeUpload,
    abortUpload: (upload) => call((jobs) => jobs.abortUpload(upload)),
    find,
    read: async (key, range) => {
      const object = await find(key);
      if (object === undefined) return undefined;
      const { offset, length } = range ?? { offset: 0, length: object.bytes };
      return streamRows({ offset, end: offset + length }, (from) =>
        call((jobs) => jobs.readObject({ key, etag: object.etag }, from)),
      );
    },
    delete: (keys) => call((jobs) => jobs.deleteObjects(keys)),
  };
}

/**
 * Maps a failed call to an error: the object may have been evicted or moved, and is available again
 * immediately.
 */
async function awaitAnswer<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const code = message.includes("SQLITE_FULL") ? "inline-storage-full" : "storage-unavailable";
    throw new ExportError(code, message, { cause });
  }
}

/**
 * Copies a piece, unless it is the whole buffer: a view that crosses RPC takes its whole buffer
 * with it.
 */
function cutPiece(bytes: Uint8Array, offset: number): Uint8Array {
  const isWhole = bytes.byteLength === bytes.buffer.byteLength && bytes.byteLength <= PIECE_BYTES;
  return isWhole ? bytes : bytes.slice(offset, offset + PIECE_BYTES);
}

/**
 * Returns a byte stream that requests one row when its reader wants more, and holds nothing else.
 */
function streamRows(
  { offset, end }: { offset: number; end: number },
  readAt: (range: { offset: number; bytesMax: number }) => Promise<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array> {
  let at = offset;
  return new ReadableStream<Uint8Array>({
    type: "bytes",
    // Without it, a reader without its own buffer gets 4 KiB at a time (workerd 1.20261102).
    autoAllocateChunkSize: BLOB_BYTES_MAX,
    pull: async (controller) => {
      if (at < end) {
        const bytes = await readAt({ offset: at, bytesMax: Math.min(BLOB_BYTES_MAX, end - at) });
        at += bytes.byteLength;
        controller.enqueue(bytes);
      }
      if (at < end) return;
      controller.close();
      // Only this releases a reader that brought its own buffer.
      (controller as ReadableByteStreamController).byobRequest?.respond(0);
    },
  });
}
