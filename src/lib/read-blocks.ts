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
 * Reads a byte stream in blocks of `blockBytes`; the last block may be shorter. Stopping early cancels the
 * stream. All blocks share the same memory, so a block is valid only until the caller asks for the next, unless
 * `keepsBlocks` is true: then each block has memory of its own.
 */
export async function* readBlocks(
  stream: ReadableStream<Uint8Array>,
  blockBytes: number,
  { keepsBlocks = false }: { keepsBlocks?: boolean } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader({ mode: "byob" });
  try {
    let buffer = new ArrayBuffer(blockBytes);
    for (;;) {
      const { done, value } = await (reader as unknown as AtLeastReader).readAtLeast(
        blockBytes,
        new Uint8Array(buffer),
      );
      if (value !== undefined && value.byteLength > 0) yield value;
      if (done || value === undefined) return;
      // With a new buffer for each block, the garbage collector frees memory later.
      buffer = keepsBlocks ? new ArrayBuffer(blockBytes) : value.buffer;
    }
  } finally {
    await reader.cancel();
  }
}
