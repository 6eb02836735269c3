import { createHash } from "node:crypto";

/** The text of a chunk, as a manifest describes it. */
export interface TextPiece {
  textBytes: number;
  textSha256: string;
}

/** Cuts a text into a manifest's pieces, and compares each piece's SHA-256. */
export class PieceHasher {
  /** The current position in the text, in bytes. */
  position: number;
  /** Index of the piece that the text has not completed; after the last piece, the number of pieces. */
  piece: number;
  /** True if the piece at `piece` is complete and differs. Later pieces are not compared. */
  differs = false;
  readonly #pieces: readonly TextPiece[];
  #start: number;
  #hash = createHash("sha256");

  /**
   * Continues the text at `position`, which is at or before the start of the piece `piece`. The text before that
   * piece is discarded.
   */
  constructor(pieces: readonly TextPiece[], from: { piece: number; position: number }) {
    this.#pieces = pieces;
    this.piece = from.piece;
    this.position = from.position;
    this.#start = pieces.slice(0, from.piece).reduce((sum, { textBytes }) => sum + textBytes, 0);
    this.#endPieces();
  }

  /**
   * The start of the piece at `piece`, in bytes of the text. After the last piece, it is the length of the text.
   */
  get start(): number {
    return this.#start;
  }

  /** The end of the piece at `piece`. */
  get end(): number {
    return this.#start + (this.#pieces[this.piece]?.textBytes ?? 0);
  }

  /** True if all pieces are equal so far, and the text is longer than all of them. */
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

  /** Ends the complete piece, and any empty pieces after it. */
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
