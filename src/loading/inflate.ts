import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";

import type { Compression } from "../api/export-request.ts";
import { ExportError } from "../api/errors.ts";
import { MIB } from "../api/limits.ts";
import { BadFrame, ZstdFrameCutter } from "../lib/zstd-frames.ts";

type Chunks = AsyncIterable<Uint8Array>;

/**
 * - `chunkSize`: the text that a decoder yields at once. With the default of 16 KiB, passing the pieces on took more
 *   CPU time than the splitter (November 2026).
 * - `readableObjectMode`: pieces that wait are not joined, which would copy them. Two of them may wait.
 */
const DECODER_OPTIONS = {
  chunkSize: MIB / 4,
  readableObjectMode: true,
  readableHighWaterMark: 2,
};

/**
 * Decompresses a file that contains one or more gzip members, or Zstandard frames, back to back. Errors:
 * `script-invalid` if the data is damaged or incomplete; those of `chunks`.
 */
export function inflate(chunks: Chunks, compression: Compression): Chunks {
  if (compression === "gzip") return inflateGzip(chunks);
  return compression === "zstd" ? inflateZstd(chunks) : chunks;
}

/** Returns a file's compression, judged by its first bytes. It needs at least four. */
export function detectCompression(head: Uint8Array): Compression {
  const [a, b, c, d] = head;
  if (a === 0x1f && b === 0x8b) return "gzip";
  if (b === 0xb5 && c === 0x2f && d === 0xfd && a === 0x28) return "zstd";
  // A skippable frame, which some tools write first.
  return b === 0x2a && c === 0x4d && d === 0x18 && a !== undefined && a >>> 4 === 5
    ? "zstd"
    : "none";
}

async function* inflateGzip(chunks: Chunks): AsyncGenerator<Uint8Array> {
  yield* decompress(chunks, createGunzip(DECODER_OPTIONS), "gzip");
}

async function* inflateZstd(chunks: Chunks): AsyncGenerator<Uint8Array> {
  const cutter = new ZstdFrameCutter();
  const pieces = cutPieces(chunks, cutter);
  for (;;) {
    const first = await pieces.next();
    if (first.done === true) break;
    const frame = readFrame(first.value, pieces);
    if (first.value.isSkippable) {
      for await (const _ of frame);
      continue;
    }
    yield* decompress(frame, createZstdDecompress(DECODER_OPTIONS), "Zstandard");
  }
  if (!cutter.isBetween) throw damaged("Zstandard", new Error("the data ends within a frame"));
}

type Piece = { bytes: Uint8Array; ends: boolean; isSkippable: boolean };

async function* cutPieces(chunks: Chunks, cutter: ZstdFrameCutter): AsyncGenerator<Piece, void> {
  try {
    for await (const chunk of chunks) yield* cutter.push(chunk);
  } catch (cause) {
    throw cause instanceof BadFrame ? damaged("Zstandard", cause) : cause;
  }
}

async function* readFrame(
  first: Piece,
  pieces: AsyncGenerator<Piece, void>,
): AsyncGenerator<Uint8Array, void> {
  let piece = first;
  for (;;) {
    yield piece.bytes;
    if (piece.ends) return;
    const next = await pieces.next();
    if (next.done === true) throw damaged("Zstandard", new Error("the data ends within a frame"));
    piece = next.value;
  }
}

async function* decompress(
  chunks: Chunks,
  decoder: ReturnType<typeof createGunzip>,
  format: string,
): AsyncGenerator<Uint8Array> {
  // The loop below throws the same error.
  pipeline(Readable.from(chunks), decoder, () => {});
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw cause instanceof ExportError ? cause : damaged(format, cause);
  } finally {
    decoder.destroy();
  }
}

function damaged(format: string, cause: unknown): ExportError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ExportError("script-invalid", `the ${format} data is damaged: ${message}`, { cause });
}
