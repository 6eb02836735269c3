import { constants, createZstdCompress } from "node:zlib";

import { concatBytes } from "./bytes.ts";

/**
 * The fastest ordinary level (docs/decisions/0004), and a checksum in each frame, like the zstd
 * command.
 */
const OPTIONS = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};

/** The runtime's buffer of compressed bytes. */
const BUFFER_BYTES = 16_384;

/** The end of a frame after a flush: an empty block of 3 bytes, and the checksum's 4. */
const END_BYTES = 7;

/**
 * Returns one Zstandard frame of `text`. It flushes everything before the end of the frame, because the runtime fails
 * with "Unexpected end of file" if the end does not fit into its current buffer (workerd 1.20261102, `zstdCompressSync`
 * too; https://github.com/cloudflare/workerd/issues/6769). If fewer bytes than the end needs are left after the flush,
 * which happens to 6 of 16,384 frames, it compresses again with a buffer of another size.
 */
export function zstdFrame(text: Uint8Array, bufferBytes = BUFFER_BYTES): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const pieces: Uint8Array[] = [];
  const stream = createZstdCompress({ ...OPTIONS, chunkSize: bufferBytes });
  stream.on("data", (piece: Uint8Array) => pieces.push(piece));
  stream.on("end", () => resolve(concatBytes(pieces)));
  stream.on("error", reject);
  stream.write(text);
  stream.flush(constants.ZSTD_e_flush, () => {
    const flushed = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    const left = bufferBytes - (flushed % bufferBytes);
    if (left >= END_BYTES) {
      stream.end();
      return;
    }
    stream.destroy();
    resolve(zstdFrame(text, bufferBytes + 1_024));
  });
  return promise;
}
