import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

import { concatBytes } from "../../lib/bytes.ts";
import { type ZipEntry, ZipLayout } from "../../lib/zip-layout.ts";
import type { ArtifactRecord } from "../../rpc/artifact-record.ts";
import { ExportError } from "../../api/errors.ts";
import { KIB } from "../../api/limits.ts";
import type { ArtifactStore, ByteRange } from "../../storage/artifact-store.ts";
import { toDownloadName } from "../../rpc/readable-key.ts";
import type { DownloadInfo } from "../../rpc/http-jobs.ts";
import { readRanges } from "./read-ranges.ts";
import type { SentFile } from "./send-file.ts";

/** A file of the archive: an artifact in the store, or the manifest's bytes. */
type Entry = ZipEntry & ({ objectKey: string } | { content: Uint8Array });
type Layout = ZipLayout<Entry>;

/**
 * Change this when the archive's form changes, so that no download resumes after the bytes of
 * another form.
 */
const FORM = "zip 1";

/** The directory's records are small, so this many bytes of them are written at once. */
const WRITE_BYTES = 64 * KIB;

/** What describes the artifacts of an archive: the manifest, and its signature if it has one. */
export interface ArchiveHead {
  manifest: Uint8Array;
  signature?: Uint8Array | undefined;
}

/**
 * Returns a job's manifest, its signature and its artifacts as one ZIP, stored without compression. It is never
 * held in memory: its length is known, a range is built from the objects that it covers, and one
 * object is open at a time. Errors: `artifact-missing`; `artifact-not-found` if the CRC-32 of an
 * artifact is not known.
 */
export function makeArchive(
  info: DownloadInfo,
  store: ArtifactStore,
  { manifest, signature }: ArchiveHead,
): SentFile {
  const modifiedAtMs = info.completedAtMs ?? 0;
  const entries: Entry[] = [
    makeOwnEntry("manifest.json", manifest),
    ...(signature === undefined ? [] : [makeOwnEntry("manifest.json.sig", signature)]),
    ...info.artifacts.map(makeEntry),
  ];
  const layout = new ZipLayout(entries, modifiedAtMs);
  return {
    name: toDownloadName(info.named, `-${info.format}.zip`),
    contentType: "application/zip",
    bytes: layout.bytes,
    tag: makeTag(info.artifacts, { manifest, signature }, modifiedAtMs),
    sha256: null,
    modifiedAtMs,
    check: () => checkFirst(layout, store, { offset: 0, length: layout.bytes }),
    open: async (range = { offset: 0, length: layout.bytes }) => {
      await checkFirst(layout, store, range);
      const { readable, writable } = new FixedLengthStream(range.length);
      void write(layout, store, range, writable);
      return readable;
    },
  };
}

function makeOwnEntry(name: string, content: Uint8Array): Entry {
  return { name, bytes: content.byteLength, crc32: crc32(content), content };
}

function makeEntry({ name, bytes, crc32, objectKey }: ArtifactRecord): Entry {
  if (crc32 !== null) return { name, bytes, crc32, objectKey };
  throw new ExportError(
    "artifact-not-found",
    "an earlier version made this export, and kept no CRC-32 for a ZIP: download each artifact by its name",
  );
}

/** Returns the archive's tag. The manifest contains every artifact's SHA-256. */
function makeTag(
  artifacts: readonly ArtifactRecord[],
  { manifest, signature = new Uint8Array() }: ArchiveHead,
  modifiedAtMs: number,
): string {
  const checksums = artifacts.map(({ crc32 }) => crc32).join(" ");
  return createHash("sha256")
    .update(`${FORM} ${modifiedAtMs} ${checksums}\n`)
    .update(manifest)
    .update(signature)
    .digest("hex");
}

/**
 * Requires the first object of a range. Usually none or all are missing, and at this point the
 * answer can still be 404.
 */
async function checkFirst(layout: Layout, store: ArtifactStore, range: ByteRange): Promise<void> {
  for (const stretch of layout.stretches(range)) {
    if (stretch.kind === "content" && "objectKey" in stretch.entry) {
      if ((await store.find(stretch.entry.objectKey)) === undefined) throw missing(stretch.entry);
      return;
    }
  }
}

/**
 * Writes a range of an archive. If that fails, the stream breaks, so that no reader mistakes it for
 * the whole.
 */
async function write(
  layout: Layout,
  store: ArtifactStore,
  range: ByteRange,
  writable: WritableStream<Uint8Array>,
): Promise<void> {
  let own: Uint8Array[] = [];
  let ownBytes = 0;
  const flush = async (): Promise<void> => {
    if (ownBytes === 0) return;
    const writer = writable.getWriter();
    await writer.write(concatBytes(own));
    writer.releaseLock();
    own = [];
    ownBytes = 0;
  };
  const keep = async (bytes: Uint8Array): Promise<void> => {
    own.push(bytes);
    ownBytes += bytes.byteLength;
    if (ownBytes >= WRITE_BYTES) await flush();
  };
  try {
    for (const stretch of layout.stretches(range)) {
      if (stretch.kind === "own") {
        await keep(stretch.bytes);
        continue;
      }
      const { entry, offset, length } = stretch;
      if ("content" in entry) {
        await keep(entry.content.subarray(offset, offset + length));
        continue;
      }
      await flush();
      const object = { key: entry.objectKey, name: entry.name };
      for await (const body of readRanges(store, object, { offset, length })) {
        // A failure at either end ends the other: when a client leaves, the object is closed.
        await body.pipeTo(writable, { preventClose: true });
      }
    }
    await flush();
    await writable.close();
  } catch (cause) {
    console.warn({ message: "a ZIP was not sent completely", cause: String(cause) });
    await writable.abort(cause).catch(() => {});
  }
}

function missing({ name }: ZipEntry): ExportError {
  return new ExportError("artifact-missing", `${name} is no longer in the store`);
}
