import type { Compression } from "../../api/export-request.ts";
import { MIB } from "../../api/limits.ts";
import { gzipFrame } from "../../lib/gzip-frame.ts";
import { zstdFrame } from "../../lib/zstd-frame.ts";

/** How much text one frame contains: enough to compress well, and little enough for one turn. */
export const FRAME_BYTES = 4 * MIB;

/** Each creates one frame from a text, and does not keep the text. */
const MAKE_FRAME: Record<
  Exclude<Compression, "none">,
  (text: Uint8Array) => Promise<Uint8Array>
> = {
  gzip: async (text) => gzipFrame(text),
  zstd: zstdFrame,
};

/**
 * Compresses a stream into independent frames (gzip members, Zstandard frames). Their concatenation
 * is a valid file, so no chunk needs the state of the previous one. A frame ends after 4 MiB of
 * text and at the end of a chunk. The compressed bytes therefore depend on where chunks ended, but
 * the decompressed text never does.
 */
export class Compressor {
  readonly #compression: Compression;
  /** The text of the open frame. The next frame reuses the buffer. */
  #text: Uint8Array | undefined;
  #textBytes = 0;

  constructor(compression: Compression) {
    this.#compression = compression;
  }

  /** How many bytes of text the open frame has. */
  get openBytes(): number {
    return this.#textBytes;
  }

  /** Copies `bytes`, and returns the frames that they complete. Without compression it returns `bytes` themselves. */
  async push(bytes: Uint8Array): Promise<Uint8Array[]> {
    if (this.#compression === "none") return [bytes];
    const frames: Uint8Array[] = [];
    this.#text ??= new Uint8Array(FRAME_BYTES);
    for (let offset = 0; offset < bytes.byteLength;) {
      const taken = bytes.subarray(offset, offset + FRAME_BYTES - this.#textBytes);
      this.#text.set(taken, this.#textBytes);
      this.#textBytes += taken.byteLength;
      offset += taken.byteLength;
      if (this.#textBytes === FRAME_BYTES) frames.push(...(await this.flush()));
    }
    return frames;
  }

  /** Ends the open frame, if there is one, and returns it. */
  async flush(): Promise<Uint8Array[]> {
    if (this.#compression === "none" || this.#text === undefined || this.#textBytes === 0)
      return [];
    const text = this.#text.subarray(0, this.#textBytes);
    this.#textBytes = 0;
    return [await MAKE_FRAME[this.#compression](text)];
  }

  /**
   * Returns the bytes of a file without text: a file of zero bytes would not be valid in its
   * format.
   */
  async emptyFile(): Promise<Uint8Array[]> {
    if (this.#compression === "none") return [];
    return [await MAKE_FRAME[this.#compression](new Uint8Array())];
  }
}
