import { ExportError } from "../../api/errors.ts";
import type { ArtifactRecord } from "../../rpc/artifact-record.ts";
import type { DownloadInfo } from "../../rpc/http-jobs.ts";
import type { ArtifactStore } from "../../storage/artifact-store.ts";
import { readRanges } from "./read-ranges.ts";
import type { SentFile } from "./send-file.ts";

/** A file in a store: an object, or the part of one that starts at `offset`. */
type StoredFile = Pick<
  ArtifactRecord,
  "name" | "contentType" | "bytes" | "objectKey" | "sha256"
> & { offset?: number };

/**
 * Returns an artifact as a file to send, in the form in which the store keeps it. Errors of the
 * file: `artifact-missing`.
 */
export function makeArtifactFile(
  { completedAtMs }: Pick<DownloadInfo, "completedAtMs">,
  { name, contentType, bytes, objectKey, sha256, offset = 0 }: StoredFile,
  store: ArtifactStore,
): SentFile {
  const missing = (): ExportError =>
    new ExportError("artifact-missing", `${name} is no longer in the store`);
  return {
    name,
    contentType,
    bytes,
    tag: sha256 ?? "",
    sha256: sha256 ?? "",
    modifiedAtMs: completedAtMs ?? 0,
    check: async () => {
      if ((await store.find(objectKey)) === undefined) throw missing();
    },
    open: async (range = { offset: 0, length: bytes }) => {
      const inObject = { offset: offset + range.offset, length: range.length };
      const bodies = readRanges(store, { key: objectKey, name }, inObject);
      // Before the first byte is sent, a missing file can still be answered with 404.
      const first = await bodies.next();
      const { readable, writable } = new FixedLengthStream(range.length);
      if (first.done !== true) void sendAll(first.value, bodies, writable);
      return readable;
    },
  };
}

/**
 * Sends streams one after the other. If that fails, the response breaks, so that no reader mistakes
 * it for the whole.
 */
async function sendAll(
  first: ReadableStream<Uint8Array>,
  others: AsyncIterable<ReadableStream<Uint8Array>>,
  writable: WritableStream<Uint8Array>,
): Promise<void> {
  try {
    await first.pipeTo(writable, { preventClose: true });
    for await (const body of others) await body.pipeTo(writable, { preventClose: true });
    await writable.close();
  } catch (cause) {
    console.warn({ message: "a file was not sent completely", cause: String(cause) });
    await writable.abort(cause).catch(() => {});
  }
}
