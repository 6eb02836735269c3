import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";

import { inflate } from "../../loading/inflate.ts";
import { Compressor } from "./compressor.ts";

const TEXT = new TextEncoder().encode("row\n".repeat(3_000_000));

type Compressed = "gzip" | "zstd";

async function framesOf(compression: Compressed, bytes: number): Promise<Uint8Array[]> {
  const compressor = new Compressor(compression);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < TEXT.byteLength; at += bytes) {
    frames.push(...(await compressor.push(TEXT.subarray(at, at + bytes))));
  }
  frames.push(...(await compressor.flush()));
  expect(await compressor.flush()).toEqual([]);
  return frames;
}

/** Node's own `zstdDecompressSync` reads no frame but the first. */
async function open(compression: Compressed, frames: readonly Uint8Array[]): Promise<Buffer> {
  const file = Buffer.concat(frames);
  if (compression === "gzip") return gunzipSync(file);
  const opened: Buffer[] = [];
  for await (const piece of inflate(chunksOf(file), "zstd")) opened.push(Buffer.from(piece));
  return Buffer.concat(opened);
}

async function* chunksOf(file: Buffer): AsyncGenerator<Buffer> {
  yield file;
}

describe.each<Compressed>(["gzip", "zstd"])("frames of %s", (compression) => {
  test.each([700_001, TEXT.byteLength])(
    "open to what went in, in pieces of %i bytes",
    async (bytes) => {
      const opened = await open(compression, await framesOf(compression, bytes));
      expect(Buffer.compare(opened, TEXT)).toBe(0);
    },
  );

  test("open one by one, so that nothing is remembered between them", async () => {
    const frames = await framesOf(compression, 700_001);
    expect(frames.length).toBe(3);
    const openFrame = compression === "gzip" ? gunzipSync : zstdDecompressSync;
    const opened = frames.map((frame) => openFrame(frame).byteLength);
    expect(opened.reduce((sum, length) => sum + length, 0)).toBe(TEXT.byteLength);
  });

  test("are one that is empty, where there is no text", async () => {
    const file = await new Compressor(compression).emptyFile();
    expect(file[0]?.byteLength).toBeGreaterThan(0);
    expect((await open(compression, file)).byteLength).toBe(0);
  });
});

test("frames of zstd end in a checksum of their content", async () => {
  const [frame] = await framesOf("zstd", TEXT.byteLength);
  const CHECKSUM_FLAG = 4;
  expect((frame?.[4] ?? 0) & CHECKSUM_FLAG).toBe(CHECKSUM_FLAG);
});

test("bytes that are not compressed pass as they are", async () => {
  const compressor = new Compressor("none");
  expect((await compressor.push(TEXT))[0]).toBe(TEXT);
  expect(await compressor.flush()).toEqual([]);
  expect(await compressor.emptyFile()).toEqual([]);
});
