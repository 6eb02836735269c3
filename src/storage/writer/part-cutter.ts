import { assert } from "../../lib/assert.ts";
import { returnPartBuffer, takePartBuffer } from "./part-buffers.ts";

/**
 * Cuts a stream of bytes into parts of equal size. Holds the parts that are full and not yet taken,
 * and the one that is being filled; whoever pushes takes, so that is one of each.
 */
export class PartCutter {
  readonly #partBytes: number;
  readonly #full: Uint8Array[] = [];
  #filling: Uint8Array | undefined;
  #filled = 0;

  constructor(partBytes: number) {
    assert(partBytes > 0, "a part has bytes");
    this.#partBytes = partBytes;
  }

  /** Copies `bytes` in; they may be reused afterwards. */
  push(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.byteLength) {
      // Filled later, and every byte of a part is written before it is taken.
      this.#filling ??= takePartBuffer(this.#partBytes);
      const length = Math.min(this.#partBytes - this.#filled, bytes.byteLength - offset);
      this.#filling.set(bytes.subarray(offset, offset + length), this.#filled);
      this.#filled += length;
      offset += length;
      if (this.#filled === this.#partBytes) {
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

  get hasPart(): boolean {
    return this.#full.length > 0;
  }

  /** The next full part, which is the caller's from now on; undefined where none is full. */
  takePart(): Uint8Array | undefined {
    return this.#full.shift();
  }

  /** Lets go of all bytes not taken, once they are kept elsewhere. */
  clear(): void {
    for (const part of this.#full.splice(0)) returnPartBuffer(part);
    if (this.#filling !== undefined) returnPartBuffer(this.#filling);
    this.#filling = undefined;
    this.#filled = 0;
  }

  /** All bytes not taken, in order, as views of at most `maxBytes` each. The cutter keeps them. */
  rest(maxBytes = Number.POSITIVE_INFINITY): Uint8Array[] {
    const whole = [...this.#full];
    if (this.#filling !== undefined) whole.push(this.#filling.subarray(0, this.#filled));
    return whole.flatMap((bytes) => slices(bytes, maxBytes));
  }
}

function slices(bytes: Uint8Array, maxBytes: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; at += maxBytes) {
    pieces.push(bytes.subarray(at, Math.min(at + maxBytes, bytes.byteLength)));
  }
  return pieces;
}
