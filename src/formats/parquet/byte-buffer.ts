/** Bytes that grow at their end. The memory stays after `clear`, for the next group of rows. */
export class ByteBuffer {
  #bytes = new Uint8Array();
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  /** The bytes so far: a view, which later writes may change. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  addByte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.length] = byte;
    this.length += 1;
  }

  /** Adds an integer of at most 53 bits as a signed one of 64 bits. */
  addInteger(integer: number): void {
    this.#reserve(8);
    this.#view.setInt32(this.length, integer | 0, true);
    this.#view.setInt32(this.length + 4, Math.floor(integer / 2 ** 32), true);
    this.length += 8;
  }

  addBigInt(integer: bigint): void {
    this.#reserve(8);
    this.#view.setBigInt64(this.length, integer, true);
    this.length += 8;
  }

  addDouble(real: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.length, real, true);
    this.length += 8;
  }

  /** Adds the bytes from `start` to `end`, after their number as an integer of 32 bits. */
  addCounted(bytes: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.#reserve(4 + count);
    this.#view.setUint32(this.length, count, true);
    this.length += 4;
    // Calls of `set` take longer than a few bytes.
    if (count > 24) this.#bytes.set(bytes.subarray(start, end), this.length);
    else {
      const to = this.length - start;
      for (let at = start; at < end; at += 1) this.#bytes[to + at] = bytes[at] as number;
    }
    this.length += count;
  }

  bigIntAt(offset: number): bigint {
    return this.#view.getBigInt64(offset, true);
  }

  doubleAt(offset: number): number {
    return this.#view.getFloat64(offset, true);
  }

  /** Returns the bytes that `addCounted` added at `offset`. */
  countedAt(offset: number): Uint8Array {
    const start = offset + 4;
    return this.#bytes.subarray(start, start + this.#view.getUint32(offset, true));
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.byteLength * 2, 1024));
    grown.set(this.bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
