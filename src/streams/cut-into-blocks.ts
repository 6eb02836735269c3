import type { Compression } from "../api/export-request.ts";
import { KIB } from "../api/limits.ts";
import { Compressor } from "../storage/writer/compressor.ts";

/**
 * How much the client receives at once: each time it takes this much, it shows that it is alive.
 */
const BLOCK_BYTES = 256 * KIB;

/**
 * Yields a text, compressed, in blocks of at most 256 KiB. The text is read only as blocks are
 * requested.
 */
export async function* cutIntoBlocks(
  texts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array, void, undefined> {
  const compressor = new Compressor(compression);
  let bytes = 0;
  for await (const text of texts) {
    bytes += text.byteLength;
    for (const ready of await compressor.push(text)) yield* cut(ready);
  }
  const last = bytes === 0 ? compressor.emptyFile() : compressor.flush();
  for (const ready of await last) yield* cut(ready);
}

function* cut(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.byteLength; at += BLOCK_BYTES) {
    yield bytes.subarray(at, at + BLOCK_BYTES);
  }
}
