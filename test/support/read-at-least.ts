/**
 * Adds the runtime's `readAtLeast` to Node's byte streams, for tests that run the Worker's readers in Node.
 * https://developers.cloudflare.com/workers/runtime-apis/streams/readablestreambyobreader/
 */
export function addReadAtLeast(): void {
  Object.defineProperty(ReadableStreamBYOBReader.prototype, "readAtLeast", {
    configurable: true,
    value(this: ReadableStreamBYOBReader, min: number, view: Uint8Array<ArrayBuffer>) {
      return this.read(view, { min });
    },
  });
}
