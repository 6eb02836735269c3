import { createHash } from "node:crypto";

/** The text of a chunk, as a manifest records it. */
export interface TextPiece {
  textBytes: number;
  textSha256: string;
}

/** Cuts a text into the pieces of a manifest, and compares the SHA-256 of each. */
export class PieceHasher {
  /** Where the text is, in bytes. */
  position: number;
  /** Index of the piece that the text has not completed; the number of pieces after the last. */
  piece: number;
  /** True if the piece at `piece` is complete and differs. Nothing after it is compared. */
  differs = false;
  readonly #pieces: readonly TextPiece[];
  #start: number;
  #hash = createHash("sha256");

  /** The text continues at `position`, at most where piece number `piece` starts: what is before it is discarded. */
  constructor(pieces: readonly TextPiece[], from: { piece: number; position: number }) {
    this.#pieces = pieces;
    this.piece = from.piece;
    this.position = from.position;
    this.#start = pieces.slice(0, from.piece).reduce((sum, { textBytes }) => sum + textBytes, 0);
    this.#endPieces();
  }

  /** Where the piece at `piece` starts, in bytes of the text; after the last piece the length of the text. */
  get start(): number {
    return this.#start;
  }

  /** Where the piece at `piece` ends. */
  get end(): number {
    return this.#start + (this.#pieces[this.piece]?.textBytes ?? 0);
  }

  /** True if all pieces are equal so far, and the text is longer than they are. */
  get isTooLong(): boolean {
    return this.piece === this.#pieces.length && this.position > this.#start;
  }

  push(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.byteLength && !this.differs && this.piece < this.#pieces.length) {
      const isBefore = this.position < this.#start;
      const left = (isBefore ? this.#start : this.end) - this.position;
      const taken = bytes.subarray(offset, offset + left);
      if (!isBefore) this.#hash.update(taken);
      offset += taken.byteLength;
      this.position += taken.byteLength;
      this.#endPieces();
    }
    this.position += bytes.byteLength - offset;
  }

  /** Ends the piece that is complete, and empty ones after it. */
  #endPieces(): void {
    for (;;) {
      const piece = this.#pieces[this.piece];
      if (piece === undefined || this.position < this.end) return;
      const isEqual = this.#hash.digest("hex") === piece.textSha256;
      this.#hash = createHash("sha256");
      if (!isEqual) {
        this.differs = true;
        return;
      }
      this.#start += piece.textBytes;
      this.piece += 1;
    }
  }
}
