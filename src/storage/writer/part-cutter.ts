import { assert } from "../../lib/assert.ts";
import { returnPartBuffer, takePartBuffer } from "./part-buffers.ts";

/**
 * Cuts a stream of bytes into parts of equal size. It holds the full parts that nobody has taken
 * yet, and the part that is being filled: one of each if the caller takes parts as it pushes bytes.
 */
export class PartCutter {
  /** The size of each part except the last. */
  readonly partBytes: number;
  readonly #full: Uint8Array[] = [];
  #filling: Uint8Array | undefined;
  #filled = 0;

  constructor(partBytes: number) {
    assert(partBytes > 0, "a part has bytes");
    this.partBytes = partBytes;
  }

  /** Copies `bytes`, which the caller may then reuse. */
  push(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.byteLength) {
      // Its old content is harmless: every byte of a part is written before the part is taken.
      this.#filling ??= takePartBuffer(this.partBytes);
      const length = Math.min(this.partBytes - this.#filled, bytes.byteLength - offset);
      this.#filling.set(bytes.subarray(offset, offset + length), this.#filled);
      this.#filled += length;
      offset += length;
      if (this.#filled === this.partBytes) {
        this.#full.push(this.#filling);
        this.#filling = undefined;
        this.#filled = 0;
      }
    }
  }

  /** Bytes in the part that is being filled. */
  get filledBytes(): number {
    return this.#filled;
  }

  /** True if a full part waits to be taken. */
  get hasPart(): boolean {
    return this.#full.length > 0;
  }

  /** Returns the next full part, which then belongs to the caller; undefined if none is full. */
  takePart(): Uint8Array | undefined {
    return this.#full.shift();
  }

  /** Drops all bytes that were not taken. Call it after they are stored elsewhere. */
  clear(): void {
    for (const part of this.#full.splice(0)) returnPartBuffer(part);
    if (this.#filling !== undefined) returnPartBuffer(this.#filling);
    this.#filling = undefined;
    this.#filled = 0;
  }

  /**
   * Returns all bytes that were not taken, in order, as views of at most `bytesMax` each. The
   * cutter keeps them.
   */
  rest(bytesMax = Number.POSITIVE_INFINITY): Uint8Array[] {
    const whole = [...this.#full];
    if (this.#filling !== undefined) whole.push(this.#filling.subarray(0, this.#filled));
    return whole.flatMap((bytes) => slice(bytes, bytesMax));
  }
}

function slice(bytes: Uint8Array, bytesMax: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; at += bytesMax) {
    pieces.push(bytes.subarray(at, Math.min(at + bytesMax, bytes.byteLength)));
  }
  return pieces;
}
