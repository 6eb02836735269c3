import { constants, createZstdCompress } from "node:zlib";

import { concatBytes } from "../../lib/bytes.ts";

/** The fastest of its ordinary levels (docs/decisions/0004), and the checksum of each frame that the zstd command writes. */
const OPTIONS = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};

/**
 * One Zstandard frame of `text`. The runtime fails with "Unexpected end of file" where the end of a
 * frame has more than one buffer to write (workerd 1.20261102, `zstdCompressSync` too): so all is
 * flushed before the end.
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
