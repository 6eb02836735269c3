import { constants, createZstdCompress } from "node:zlib";

import { concatBytes } from "./bytes.ts";

/**
 * The fastest ordinary level (docs/decisions/0004), and a checksum in each frame, like the zstd
 * command.
 */
const OPTIONS = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};

/**
 * Returns one Zstandard frame of `text`. It flushes everything before the end of the frame, because
 * the runtime fails with "Unexpected end of file" if more than one buffer remains to be written
 * (workerd 1.20261102, `zstdCompressSync` too).
 */
export function zstdFrame(text: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const pieces: Uint8Array[] = [];
  const stream = createZstdCompress(OPTIONS);
  stream.on("data", (piece: Uint8Array) => pieces.push(piece));
  stream.on("end", () => resolve(concatBytes(pieces)));
  stream.on("error", reject);
  stream.write(text);
  stream.flush(constants.ZSTD_e_flush, () => stream.end());
  return promise;
}
