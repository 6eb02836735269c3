import { createHash } from "node:crypto";

import { assert } from "../../lib/assert.ts";
import { concatBytes } from "../../lib/bytes.ts";
import { callWithin } from "../../lib/call-within.ts";
import type { ArtifactRecord } from "../../rpc/artifact-record.ts";
import type { ChunkPiece } from "../../rpc/chunk-commit.ts";
import { BLOB_BYTES_MAX } from "../../api/limits.ts";
import type { Compression } from "../../api/export-request.ts";
import { Compressor, FRAME_BYTES } from "./compressor.ts";
import type { ArtifactStore } from "../artifact-store.ts";
import { returnPartBuffer } from "./part-buffers.ts";
import { PartCutter } from "./part-cutter.ts";
import { PartUploads } from "./part-uploads.ts";

/** How far a chunk may exceed its intended size, as a factor, in order to end with a part. */
const CHUNK_EXCESS = 1.25;

/** How long an abandoned chunk waits for the parts that it is sending. */
const ABANDON_MS_MAX = 30_000;

/** What a chunk wrote, for its commit. */
export interface WrittenChunk {
  pieces: ChunkPiece[];
  /** Bytes that do not fill a part yet, at most 1 MiB each. */
  carry: Uint8Array[];
  /** What the store billed for the chunk's writes. */
  r2ClassAOperations: number;
}

/**
 * Writes the bytes of one chunk: to the parts of an open upload, to one object if the artifact ends
 * without an upload, or otherwise to the carry.
 */
export class ChunkWriter {
  /** Text written so far, over all artifacts, before compression. */
  bytes = 0;
  readonly #compressor: Compressor;
  readonly #store: ArtifactStore;
  readonly #pieces: ChunkPiece[] = [];
  readonly #cutter: PartCutter;
  #artifact: ArtifactRecord;
  #uploads: PartUploads;
  #hash = createHash("sha256");
  #pieceBytes = 0;
  /** Over all artifacts, after compression. */
  #storedBytes = 0;
  /** Text of which all is stored; the rest is in the open frame. */
  #framedBytes = 0;
  readonly #expectedShare: number;
  readonly #isCompressed: boolean;
  /** Of the piece's text. Unused without compression: the text is then what is stored. */
  #textHash = createHash("sha256");
  #textBytes = 0;
  /** Of the piece. */
  #notes: string[] = [];
  #ended = false;
  /** Writes to the store so far. */
  #writes = 0;

  constructor(input: {
    store: ArtifactStore;
    partBytes: number;
    artifact: ArtifactRecord;
    carry: Uint8Array[];
    compression: Compression;
    /** How many bytes are stored for each byte of text, as far as known. Default: one. */
    storedShare?: number | undefined;
  }) {
    this.#expectedShare = input.storedShare ?? 1;
    this.#compressor = new Compressor(input.compression);
    this.#isCompressed = input.compression !== "none";
    this.#store = input.store;
    this.#artifact = input.artifact;
    this.#cutter = new PartCutter(input.partBytes);
    this.#uploads = new PartUploads(input.store, input.artifact);
    for (const bytes of input.carry) this.#cutter.push(bytes);
  }

  /** True if the current artifact has an open upload. */
  get hasUpload(): boolean {
    return this.#uploads.isOpen;
  }

  /** True if a part is full and the artifact has no upload to send it to. */
  get wantsUpload(): boolean {
    return this.#cutter.hasPart && !this.hasUpload;
  }

  /**
   * True if a chunk of about `chunkBytes` may end here. If a part ends soon, the chunk ends after the part.
   * Otherwise the jobs object would write and read the carry once more, which costs as much as reading that many
   * rows.
   */
  isLongEnough(chunkBytes: number): boolean {
    const carriesLittle = this.#cutter.filledBytes <= BLOB_BYTES_MAX;
    return this.bytes >= chunkBytes * (carriesLittle ? 1 : CHUNK_EXCESS);
  }

  /** How many bytes are stored for each byte of text so far; undefined before anything is stored. */
  get storedShare(): number | undefined {
    return this.#framedBytes > 0 ? this.#storedBytes / this.#framedBytes : undefined;
  }

  /**
   * About how many more bytes of text a chunk of about `chunkBytes` takes, if they compress like
   * those so far. Nobody should read more than that for it.
   */
  expectedBytes(chunkBytes: number): number {
    const { filledBytes, partBytes } = this.#cutter;
    const share = this.storedShare ?? this.#expectedShare;
    const open = this.bytes - this.#framedBytes;
    const shortest = Math.max(0, chunkBytes - this.bytes);
    const longest = chunkBytes * CHUNK_EXCESS - this.bytes;
    // What is stored once the frames are complete, up to the shortest end.
    const stored = filledBytes + (shortest + open) * share;
    if (!this.hasUpload) {
      // A part without an upload ends the chunk, after the frame that fills it.
      const toPart = (partBytes - filledBytes) / share;
      const frames = this.#isCompressed ? Math.ceil(toPart / FRAME_BYTES) * FRAME_BYTES : toPart;
      return Math.min(frames - open, stored <= BLOB_BYTES_MAX ? shortest : longest);
    }
    const carried = stored % partBytes;
    if (carried <= BLOB_BYTES_MAX) return shortest;
    return Math.min(longest, shortest + (partBytes - carried) / share);
  }

  /** Copies `bytes`. Waits while too many parts are being sent. */
  async write(bytes: Uint8Array): Promise<void> {
    this.bytes += bytes.byteLength;
    if (this.#isCompressed) {
      this.#textHash.update(bytes);
      this.#textBytes += bytes.byteLength;
    }
    await this.#keep(await this.#compressor.push(bytes));
  }

  /** Adds what the artifact's end must know of the bytes that were written last. */
  addNotes(notes: readonly string[]): void {
    this.#notes.push(...notes);
  }

  async #keep(pieces: Uint8Array[]): Promise<void> {
    if (pieces.length > 0) this.#framedBytes = this.bytes - this.#compressor.openBytes;
    for (const bytes of pieces) {
      this.#hash.update(bytes);
      this.#cutter.push(bytes);
      this.#pieceBytes += bytes.byteLength;
      this.#storedBytes += bytes.byteLength;
      if (this.hasUpload) await this.#sendParts();
    }
  }

  async #sendParts(): Promise<void> {
    for (let part = this.#cutter.takePart(); part !== undefined; part = this.#cutter.takePart()) {
      await this.#uploads.send(part, returnPartBuffer);
    }
  }

  /**
   * Ends the artifact. An artifact without an upload is stored with one `put`: it is at most one part and one page
   * long, since a chunk stops at its first full part.
   */
  async endArtifact(): Promise<void> {
    assert(!this.#ended, "an artifact ends once");
    this.#ended = true;
    await this.#keep(await this.#compressor.flush());
    if (this.#artifact.bytes + this.#pieceBytes === 0) {
      await this.#keep(await this.#compressor.emptyFile());
    }
    const last = concatBytes(this.#cutter.rest());
    this.#cutter.clear();
    if (this.hasUpload) {
      if (last.byteLength > 0) await this.#uploads.send(last);
      return;
    }
    const { objectKey, contentType } = this.#artifact;
    await this.#store.put(objectKey, last, { contentType });
    this.#writes += 1;
  }

  /** Continues with the next artifact in the same chunk. */
  async beginArtifact(artifact: ArtifactRecord): Promise<void> {
    await this.#endPiece();
    this.#artifact = artifact;
    this.#uploads = new PartUploads(this.#store, artifact);
    this.#hash = createHash("sha256");
    this.#pieceBytes = 0;
    this.#notes = [];
    this.#textHash = createHash("sha256");
    this.#textBytes = 0;
    this.#ended = false;
  }

  async #endPiece(): Promise<void> {
    await this.#keep(await this.#compressor.flush());
    const parts = await this.#uploads.settle();
    this.#writes += parts.length;
    const sha256 = this.#hash.digest("hex");
    this.#pieces.push({
      artifactOrdinal: this.#artifact.ordinal,
      bytes: this.#pieceBytes,
      sha256,
      textBytes: this.#isCompressed ? this.#textBytes : this.#pieceBytes,
      textSha256: this.#isCompressed ? this.#textHash.digest("hex") : sha256,
      parts,
      ...(this.#notes.length > 0 && { notes: this.#notes }),
      state: this.#stateAfter(),
    });
  }

  #stateAfter(): ChunkPiece["state"] {
    if (this.#ended) return this.hasUpload ? "written" : "stored";
    if (this.hasUpload) return "uploading";
    return this.#cutter.hasPart ? "wants-upload" : "pending";
  }

  /**
   * Waits up to 30 s for the parts that a failed chunk is sending. A part that arrived later would replace the next
   * attempt's, and its ETag would differ from the ledger's. A finished chunk sends none.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await callWithin(ABANDON_MS_MAX, () => this.#uploads.drain());
    } catch (cause) {
      console.warn({ message: "a failed chunk still sends parts", cause: String(cause) });
    }
  }

  /**
   * Waits for all parts, and returns what was written: everything is then stored or in the carry.
   */
  async finish(): Promise<WrittenChunk> {
    await this.#endPiece();
    // Copies, since a view that crosses RPC takes its whole buffer with it.
    const carry = this.#cutter.rest(BLOB_BYTES_MAX).map((bytes) => bytes.slice());
    this.#cutter.clear();
    return {
      pieces: this.#pieces,
      carry,
      r2ClassAOperations: this.#writes * this.#store.billedOperations.write,
    };
  }
}
