import type { Compression } from "../../api/export-request.ts";
import { MIB } from "../../api/limits.ts";
import { gzipFrame } from "./gzip-frame.ts";
import { zstdFrame } from "./zstd-frame.ts";

/** Text of one frame, in bytes: large enough to compress well, short enough for one turn. */
const FRAME_BYTES = 4 * MIB;

/** Makes one frame of a text, which it does not keep. */
const FRAME_OF: Record<Exclude<Compression, "none">, (text: Uint8Array) => Promise<Uint8Array>> = {
  gzip: async (text) => gzipFrame(text),
  zstd: zstdFrame,
};

/**
 * Compresses a stream into frames that do not know one another (gzip members, Zstandard frames):
 * one behind the other they are a valid file, and nothing has to be remembered from chunk to chunk. A
 * frame ends after 4 MiB of text and at the end of a chunk, so where chunks ended shows in the
 * compressed bytes, and never in what they open to.
 */
export class Compressor {
  readonly #compression: Compression;
  /** The text of the frame that is open; used again for the next one. */
  #text: Uint8Array | undefined;
  #textBytes = 0;

  constructor(compression: Compression) {
    this.#compression = compression;
  }

  /** Gives `bytes` themselves where nothing is compressed; else copies them, and gives what is finished by them. */
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

  /** Ends the frame that is open, if there is one. */
  async flush(): Promise<Uint8Array[]> {
    if (this.#compression === "none" || this.#text === undefined || this.#textBytes === 0)
      return [];
    const text = this.#text.subarray(0, this.#textBytes);
    this.#textBytes = 0;
    return [await FRAME_OF[this.#compression](text)];
  }

  /** What a file without any text consists of: no bytes at all would be no file of its kind. */
  async emptyFile(): Promise<Uint8Array[]> {
    if (this.#compression === "none") return [];
    return [await FRAME_OF[this.#compression](new Uint8Array())];
  }
}
