import { createHash } from "node:crypto";
import { expect, test } from "vitest";

import type { Compression } from "../../api/export-request.ts";
import type { ArtifactRecord } from "../../rpc/artifact-record.ts";
import { MIB } from "../../api/limits.ts";
import type { ArtifactStore } from "../artifact-store.ts";
import { ChunkWriter } from "./chunk-writer.ts";

const ARTIFACT: ArtifactRecord = {
  ordinal: 0,
  name: "dump.sql",
  contentType: "application/sql",
  objectKey: "dump.sql",
  state: "uploading",
  uploadId: "upload",
  bytes: 0,
  partCount: 0,
  sha256: null,
  crc32: null,
  plain: null,
};

/** Takes parts, and nothing else. */
const STORE = {
  putPart: async (_upload, number, bytes) => ({ number, bytes: bytes.byteLength, etag: "" }),
} as Partial<ArtifactStore> as ArtifactStore;

/** Writes a MiB at a time until a chunk is long enough; gives its length in MiB. */
async function lengthOf({ chunkBytes, partBytes }: { chunkBytes: number; partBytes: number }) {
  const input = { store: STORE, artifact: ARTIFACT, carry: [], compression: "none" as const };
  const writer = new ChunkWriter({ ...input, partBytes });
  while (!writer.isLongEnough(chunkBytes)) await writer.write(new Uint8Array(MIB));
  return writer.bytes / MIB;
}

test.each([
  { chunk: 32, part: 8, length: 32, why: "it ends with a part" },
  { chunk: 33, part: 8, length: 33, why: "what is carried is little" },
  { chunk: 34, part: 8, length: 40, why: "a part ends soon" },
  { chunk: 12, part: 8, length: 15, why: "no part ends within a quarter more" },
])(
  "a chunk of $chunk MiB over parts of $part MiB has $length MiB, since $why",
  async ({ chunk, part, length }) => {
    expect(await lengthOf({ chunkBytes: chunk * MIB, partBytes: part * MIB })).toBe(length);
  },
);

test.each(["none", "gzip", "zstd"] as const)(
  "%s: a chunk without an upload expects what it takes, as soon as it knows how its text compresses",
  async (compression) => {
    const artifact: ArtifactRecord = { ...ARTIFACT, state: "pending", uploadId: null };
    const input = { store: STORE, artifact, carry: [], compression, partBytes: 8 * MIB };
    const text = Buffer.from("a line of some text, ".repeat(2 ** 16));
    const rows = (seed: number): Uint8Array =>
      text.map((byte: number, at: number) =>
        at % 7 === 0 ? 97 + ((at * 31 + seed * 17) % 26) : byte,
      );
    const first = new ChunkWriter(input);
    await first.write(rows(0));
    await first.write(rows(1));
    await first.write(rows(2));
    await first.write(rows(3));
    const { storedShare } = first;
    const writer = new ChunkWriter({ ...input, storedShare });
    const expected = [];
    while (!writer.isLongEnough(32 * MIB) && !writer.wantsUpload) {
      expected.push(writer.bytes + writer.expectedBytes(32 * MIB));
      await writer.write(rows(expected.length));
    }
    const last = writer.bytes;
    for (const end of expected) {
      expect(end).toBeGreaterThanOrEqual(last - text.length);
      expect(end).toBeLessThan(last + 5 * MIB);
    }
    expect(expected.length).toBeGreaterThan(4);
  },
);

/** The pieces of two artifacts, of which the first gets `texts` and the second nothing. */
async function writePieces(compression: Compression, texts: readonly string[]) {
  const put: Uint8Array[] = [];
  const store = {
    ...STORE,
    billedOperations: { write: 1 },
    put: async (_key: string, bytes: Uint8Array) => {
      put.push(bytes.slice());
      return { bytes: bytes.byteLength, etag: "" };
    },
  } as Partial<ArtifactStore> as ArtifactStore;
  const artifact: ArtifactRecord = {
    ...ARTIFACT,
    state: "pending",
    uploadId: null,
    sha256: null,
    crc32: null,
  };
  const writer = new ChunkWriter({ store, artifact, carry: [], compression, partBytes: 8 * MIB });
  for (const text of texts) await writer.write(new TextEncoder().encode(text));
  await writer.endArtifact();
  await writer.beginArtifact({ ...artifact, ordinal: 1 });
  await writer.endArtifact();
  const { pieces } = await writer.finish();
  return { pieces, put };
}

const sha256Of = (bytes: string | Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

test.each(["none", "gzip", "zstd"] as const)(
  "a piece has the SHA-256 of its text and of its bytes with compression %s",
  async (compression) => {
    const { pieces, put } = await writePieces(compression, ["one ", "two ", "three"]);
    const texts = ["one two three", ""];
    expect(pieces).toMatchObject(
      texts.map((text, at) => ({
        textBytes: text.length,
        textSha256: sha256Of(text),
        bytes: put[at]?.byteLength,
        sha256: sha256Of(put[at] ?? ""),
      })),
    );
  },
);
