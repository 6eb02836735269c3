import { zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";

import { zstdFrame } from "../../src/lib/zstd-frame.ts";

/** Bytes that do not shrink, so each length has a frame of another length. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}

// The runtime writes frames in buffers of 16 KiB, whose ends fall anywhere in a frame.
test.each([16_384, 131_072])(
  "a frame has all bytes, wherever it ends in the runtime's buffers (about %i bytes)",
  async (length) => {
    for (let less = 0; less < 60; less += 1) {
      const text = noise(length - less);
      const frame = await zstdFrame(text);
      expect(zstdDecompressSync(frame).equals(text), `${text.byteLength} bytes`).toBe(true);
    }
  },
);
