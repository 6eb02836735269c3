import { Buffer } from "node:buffer";

import { viewOf } from "./bytes.ts";

const FRAME_MAGIC = 0xfd2fb528;
/** 0x184D2A50 to 0x184D2A5F. */
const SKIPPABLE_MAGIC = 0x0184d2a5;
const RLE_BLOCK = 1;

/** Thrown if the bytes are not Zstandard frames, or end within a frame. */
export class BadFrame extends Error {}

/**
 * Cuts Zstandard data, which arrives in pieces of any size, at the ends of its frames (RFC 8878, 3.1). Decoders
 * stop after the first frame without an error (Node 24.21 and workerd 1.20261117), so each frame needs its own
 * decoder. Holds at most one header of a frame or block.
 */
export class ZstdFrameCutter {
  #pending: Buffer = Buffer.alloc(0);
  /** How many bytes still belong to the current block, checksum or skippable frame. */
  #left = 0;
  #state: "frame" | "skip" | "block" | "last" | "checksum" = "frame";
  #hasChecksum = false;

  /** True between two frames. */
  get isBetween(): boolean {
    return this.#state === "frame" && this.#left === 0 && this.#pending.length === 0;
  }

  /** Yields the pieces that `chunk` completes. `ends` is true for the last piece of a frame. */
  *push(chunk: Uint8Array): Generator<{ bytes: Buffer; ends: boolean; isSkippable: boolean }> {
    let bytes =
      this.#pending.length === 0 ? viewOf(chunk) : Buffer.concat([this.#pending, viewOf(chunk)]);
    this.#pending = Buffer.alloc(0);
    while (bytes.length > 0) {
      if (this.#left > 0) {
        const taken = bytes.subarray(0, this.#left);
        bytes = bytes.subarray(taken.length);
        this.#left -= taken.length;
        const isSkippable = this.#state === "skip";
        const ends = this.#left === 0 && this.#endsFrame();
        if (ends) this.#state = "frame";
        else if (this.#left === 0 && this.#state === "last") this.#state = "checksum";
        yield { bytes: taken, ends, isSkippable };
        continue;
      }
      const header = this.#readHeader(bytes);
      if (header === undefined) {
        this.#pending = bytes;
        return;
      }
      const taken = bytes.subarray(0, header);
      bytes = bytes.subarray(header);
      const ends = this.#left === 0 && this.#endsFrame();
      const isSkippable = this.#state === "skip";
      if (ends) this.#state = "frame";
      else if (this.#left === 0 && this.#state === "last") this.#state = "checksum";
      yield { bytes: taken, ends, isSkippable };
    }
  }

  #endsFrame(): boolean {
    if (this.#state === "skip" || this.#state === "checksum") return true;
    return this.#state === "last" && !this.#hasChecksum;
  }

  /** Returns the length of the header at the start of `bytes`; undefined if not all of it has arrived. */
  #readHeader(bytes: Buffer): number | undefined {
    if (this.#state === "checksum") {
      this.#left = 4;
      return 0;
    }
    if (this.#state === "block") {
      if (bytes.length < 3) return undefined;
      const header = bytes.readUIntLE(0, 3);
      this.#left = ((header >>> 1) & 3) === RLE_BLOCK ? 1 : header >>> 3;
      if ((header & 1) === 1) this.#state = "last";
      return 3;
    }
    if (bytes.length < 8) return undefined;
    const magic = bytes.readUInt32LE(0);
    if (magic >>> 4 === SKIPPABLE_MAGIC) {
      this.#state = "skip";
      this.#left = bytes.readUInt32LE(4);
      return 8;
    }
    if (magic !== FRAME_MAGIC) throw new BadFrame("these bytes are not a Zstandard frame");
    const descriptor = bytes[4] ?? 0;
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >>> 6;
    const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
    const length = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
    if (bytes.length < length) return undefined;
    this.#hasChecksum = (descriptor & 4) !== 0;
    this.#state = "block";
    return length;
  }
}
