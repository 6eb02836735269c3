import { expect, test } from "vitest";

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
