import { constants, gzipSync } from "node:zlib";

import { concatBytes } from "./bytes.ts";

/**
 * Takes half the time of the gzip command's level 6, for files that are 2 to 6 % longer:
 * docs/decisions/0004.
 */
const SEARCHING = { level: 4 };

/** Encodes each byte on its own, without looking for repetitions. */
const CODING_ALONE = { ...SEARCHING, strategy: constants.Z_HUFFMAN_ONLY };

/**
 * How many samples are used to judge a text. Each is as long as the window in which deflate looks
 * for repetitions.
 */
const SAMPLES = 4;
const SAMPLE_BYTES = 32 * 1024;

/**
 * Returns one gzip member of `text`. The hex digits of a BLOB repeat only by chance: a search for
 * repetitions takes three times as long, and the result is 6 % longer (November 2026).
 */
export function gzipFrame(text: Uint8Array): Uint8Array {
  return gzipSync(text, gainsBySearching(text) ? SEARCHING : CODING_ALONE);
}

function gainsBySearching(text: Uint8Array): boolean {
  const step = Math.floor(text.byteLength / SAMPLES);
  // Too short to be worth the samples.
  if (step < 2 * SAMPLE_BYTES) return true;
  const samples = Array.from({ length: SAMPLES }, (_, at) =>
    text.subarray(at * step, at * step + SAMPLE_BYTES),
  );
  const sample = concatBytes(samples);
  return gzipSync(sample, SEARCHING).byteLength < gzipSync(sample, CODING_ALONE).byteLength;
}
