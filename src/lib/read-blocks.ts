/** workerd's own addition: https://developers.cloudflare.com/workers/runtime-apis/streams/readablestreambyobreader/. */
interface AtLeastReader {
  readAtLeast(
    bytesMin: number,
    view: Uint8Array,
  ): Promise<{ done: boolean; value: Uint8Array<ArrayBuffer> | undefined }>;
}

/**
 * Reads a byte stream in blocks of `blockBytes`, the last one shorter. Every block stands in the
 * same memory, so it is the caller's only until the next is asked for. Stopping early cancels
 * the stream.
 */
export async function* readBlocks(
  stream: ReadableStream<Uint8Array>,
  blockBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader({ mode: "byob" });
  try {
    let buffer = new ArrayBuffer(blockBytes);
    for (;;) {
      // A fresh buffer a block would be given back by the garbage collector late.
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
