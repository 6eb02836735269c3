import { randomBytes } from "node:crypto";
import * as zlib from "node:zlib";

import fc from "fast-check";
import { expect, test } from "vitest";

import { inflate } from "./inflate.ts";

async function decompress(pieces: Buffer[]): Promise<Buffer> {
  const out: Buffer[] = [];
  const source = (async function* () {
    yield* pieces;
  })();
  for await (const piece of inflate(source, "zstd")) out.push(Buffer.from(piece));
  return Buffer.concat(out);
}

test("reads frames of every kind, end to end, however they arrive", async () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
    fc.nat(300_000).map((length) => Buffer.alloc(length, "a")),
    fc.nat(150_000).map((length) => randomBytes(length)),
  );
  const frame = fc.record({ content, hasChecksum: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { maxLength: 5 }),
      fc.integer({ min: 1, max: 70_000 }),
      async (frames, pieceBytes) => {
        const file = Buffer.concat(
          frames.map(({ content, hasChecksum }) =>
            zlib.zstdCompressSync(content, {
              params: { [zlib.constants.ZSTD_c_checksumFlag]: hasChecksum ? 1 : 0 },
            }),
          ),
        );
        const pieces: Buffer[] = [];
        for (let at = 0; at < file.length; at += pieceBytes) {
          pieces.push(file.subarray(at, at + pieceBytes));
        }
        const expected = Buffer.concat(frames.map(({ content }) => content));
        expect((await decompress(pieces)).equals(expected)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test("reads frames of a stream, whose length the header does not tell", async () => {
  const content = Buffer.from("streamed ".repeat(50_000));
  const compressor = zlib.createZstdCompress();
  compressor.end(content);
  const frame = Buffer.concat(await compressor.toArray());
  expect((await decompress([frame, frame])).toString()).toBe(content.toString().repeat(2));
});

test("steps over skippable frames", async () => {
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const frame = zlib.zstdCompressSync(Buffer.from("x"));
  expect((await decompress([skippable, frame, skippable])).toString()).toBe("x");
});

test.each([
  ["end within a frame", zlib.zstdCompressSync(Buffer.from("hello")).subarray(0, -1)],
  ["are no frame", Buffer.from("hello world")],
])("throws where the bytes %s", async (_what, bytes) => {
  await expect(decompress([bytes])).rejects.toThrow(/Zstandard/);
});
