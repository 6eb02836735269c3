import * as zlib from "node:zlib";

import { usageError } from "./cli-error.ts";

/** The first bytes of a frame, read as a little-endian number. */
export const ZSTD_MAGIC = 0xfd2fb528;
/** 0x184D2A50 to 0x184D2A5F. */
const SKIPPABLE_MAGIC = 0x0184d2a5;
const RLE_BLOCK = 1;

/**
 * Decompresses consecutive Zstandard frames. Node's own stream silently stops after the first frame
 * (seen with Node 24.21), so this function finds the ends of frames itself (RFC 8878, 3.1). One
 * frame is held in memory; this project's frames are a few MiB. Throws if the bytes are not frames,
 * or end within one.
 */
export async function* decompressZstd(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (typeof zlib.zstdDecompressSync !== "function") {
    throw usageError(
      `Node ${process.version} cannot read Zstandard`,
      "Use Node 22.15 or newer, or unpack the file with zstd first.",
    );
  }
  let pending = Buffer.alloc(0);
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const length = findFrameLength(pending);
      if (length === undefined) break;
      const frame = pending.subarray(0, length);
      pending = pending.subarray(length);
      if (frame.readUInt32LE(0) === ZSTD_MAGIC) yield zlib.zstdDecompressSync(frame);
    }
  }
  if (pending.length > 0) throw new Error("the Zstandard data ends within a frame");
}

/**
 * Returns the length of the frame at the start of `bytes`; undefined if it has not arrived
 * completely.
 */
function findFrameLength(bytes: Buffer): number | undefined {
  if (bytes.length < 8) return undefined;
  const magic = bytes.readUInt32LE(0);
  if (magic >>> 4 === SKIPPABLE_MAGIC) return ifWithin(bytes, 8 + bytes.readUInt32LE(4));
  if (magic !== ZSTD_MAGIC) throw new Error("these bytes are not a Zstandard frame");
  const descriptor = bytes[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSizeFlag = descriptor >>> 6;
  const contentSizeBytes = contentSizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << contentSizeFlag;
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  let at = 5 + (isSingleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes;
  for (;;) {
    if (at + 3 > bytes.length) return undefined;
    const header = bytes.readUIntLE(at, 3);
    at += 3 + (((header >>> 1) & 3) === RLE_BLOCK ? 1 : header >>> 3);
    if ((header & 1) === 1) break;
  }
  const checksumBytes = (descriptor & 4) === 0 ? 0 : 4;
  return ifWithin(bytes, at + checksumBytes);
}

function ifWithin(bytes: Buffer, length: number): number | undefined {
  return length <= bytes.length ? length : undefined;
}
