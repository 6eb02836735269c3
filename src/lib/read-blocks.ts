/**
 * workerd's own extension:
 * https://developers.cloudflare.com/workers/runtime-apis/streams/readablestreambyobreader/.
 */
interface AtLeastReader {
  readAtLeast(
    bytesMin: number,
    view: Uint8Array,
  ): Promise<{ done: boolean; value: Uint8Array<ArrayBuffer> | undefined }>;
}

/**
 * Reads a byte stream in blocks of `blockBytes`; the last block may be shorter. All blocks share
 * the same memory, so a block is valid only until the caller asks for the next. Stopping early
 * cancels the stream.
 */
export async function* readBlocks(
  stream: ReadableStream<Uint8Array>,
  blockBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader({ mode: "byob" });
  try {
    let buffer = new ArrayBuffer(blockBytes);
    for (;;) {
      // With a new buffer for each block, the garbage collector would free memory too late.
      const { done, value } = await (reader as unknown as AtLeastReader).readAtLeast(
        blockBytes,
        new Uint8Array(buffer),
      );
      if (value !== undefined && value.byteLength > 0) yield value;
      if (done || value === undefined) return;
      buffer = value.buffer;
    }
  } finally {
    await reader.cancel();
  }
}
