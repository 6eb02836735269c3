import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

import { Compressor } from "./compressor.ts";

const TEXT = new TextEncoder().encode("row\n".repeat(3_000_000));

function framesOf(bytes: number): Uint8Array[] {
  const compressor = new Compressor("gzip");
  const frames: Uint8Array[] = [];
  for (let at = 0; at < TEXT.byteLength; at += bytes) {
    frames.push(...compressor.push(TEXT.subarray(at, at + bytes)));
  }
  frames.push(...compressor.flush());
  expect(compressor.flush()).toEqual([]);
  return frames;
}

describe("frames of gzip", () => {
  test.each([700_001, TEXT.byteLength])("open to what went in, in pieces of %i bytes", (bytes) => {
    const frames = framesOf(bytes);
    const opened = gunzipSync(Buffer.concat(frames));
    expect(Buffer.compare(opened, TEXT)).toBe(0);
  });

  test("open one by one, so that nothing is remembered between them", () => {
    const frames = framesOf(700_001);
    expect(frames.length).toBe(3);
    const opened = frames.map((frame) => gunzipSync(frame).byteLength);
    expect(opened.reduce((sum, length) => sum + length, 0)).toBe(TEXT.byteLength);
  });
});

test("bytes that are not compressed pass as they are", () => {
  const compressor = new Compressor("none");
  expect(compressor.push(TEXT)[0]).toBe(TEXT);
  expect(compressor.flush()).toEqual([]);
});
