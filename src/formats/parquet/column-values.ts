import { isUtf8 } from "node:buffer";

import { ByteBuffer } from "./byte-buffer.ts";
import { chooseType, type ColumnType, type TypeCounts } from "./column-type.ts";

/** What a value is. */
const KIND = { null: 0, integer: 1, real: 2, text: 3, invalidText: 4, blob: 5 } as const;

/** The largest integer up to which a double represents all of them. */
const EXACT_MAX = BigInt(Number.MAX_SAFE_INTEGER) + 1n;

/** A value that the type of its column does not hold, with its place in the group. */
export type OtherValue = { row: number } & (
  | { kind: "integer"; integer: bigint }
  | { kind: "real"; real: number }
  | { kind: "text" | "invalid text" | "blob"; bytes: Uint8Array }
);

/** What a column chunk contains. The bytes are views that are valid until the next value is added. */
export interface TypedValues {
  /** 1 for each row with a value of the column's type, and 0 for NULL. */
  levels: Uint8Array;
  /** The values in Parquet's encoding PLAIN. */
  plain: Uint8Array;
  others: OtherValue[];
}

/**
 * The values of one column in a group of rows. Each kind has its own memory, already in Parquet's encoding PLAIN: the
 * values of a column with one kind of value are never copied.
 */
export class ColumnValues {
  readonly #kinds = new ByteBuffer();
  readonly #integers = new ByteBuffer();
  readonly #reals = new ByteBuffer();
  /** Texts and BLOBs. */
  readonly #texts = new ByteBuffer();
  readonly #counts: TypeCounts = noValues();

  /** The memory that the values take. */
  get byteLength(): number {
    return this.#kinds.length + this.#integers.length + this.#reals.length + this.#texts.length;
  }

  addNull(): void {
    this.#kinds.addByte(KIND.null);
  }

  /** Adds an integer of at most 53 bits. */
  addInteger(integer: number): void {
    this.#kinds.addByte(KIND.integer);
    this.#integers.addInteger(integer);
    this.#counts.integers += 1;
  }

  addBigInt(integer: bigint): void {
    this.#kinds.addByte(KIND.integer);
    this.#integers.addBigInt(integer);
    this.#counts.integers += 1;
    if (!isExact(integer)) this.#counts.wideIntegers += 1;
  }

  addReal(real: number): void {
    this.#kinds.addByte(KIND.real);
    this.#reals.addDouble(real);
    this.#counts.reals += 1;
  }

  /** Adds the text between `start` and `end`. Its bytes are checked unless `isValid` promises that they are UTF-8. */
  addText(bytes: Uint8Array, start: number, end: number, isValid: boolean): void {
    const isText = isValid || isUtf8(bytes.subarray(start, end));
    this.#kinds.addByte(isText ? KIND.text : KIND.invalidText);
    this.#texts.addCounted(bytes, start, end);
    this.#counts[isText ? "texts" : "invalidTexts"] += 1;
  }

  addBlob(bytes: Uint8Array, start: number, end: number): void {
    this.#kinds.addByte(KIND.blob);
    this.#texts.addCounted(bytes, start, end);
    this.#counts.blobs += 1;
  }

  /** Returns the type that holds most of the values; undefined if all are NULL. */
  chooseType(): ColumnType | undefined {
    return chooseType(this.#counts);
  }

  /** Returns the values for a column of `type`; undefined is the type of a column in which all are NULL. */
  toTyped(type: ColumnType | undefined): TypedValues {
    const { integers, reals, texts, invalidTexts, blobs } = this.#counts;
    const all = integers + reals + texts + invalidTexts + blobs;
    const kinds = this.#kinds.bytes;
    const only = {
      int64: { count: integers, values: this.#integers },
      double: { count: reals, values: this.#reals },
      text: { count: texts, values: this.#texts },
      blob: { count: blobs, values: this.#texts },
    };
    const own = type === undefined ? undefined : only[type];
    if (own !== undefined && own.count < all) return this.#sort(type);
    const levels = kinds.map((kind) => (kind === KIND.null ? 0 : 1));
    return { levels, plain: own?.values.bytes ?? new Uint8Array(), others: [] };
  }

  clear(): void {
    for (const buffer of [this.#kinds, this.#integers, this.#reals, this.#texts]) buffer.clear();
    Object.assign(this.#counts, noValues());
  }

  /** Separates the values that the type holds from the others. */
  #sort(type: ColumnType | undefined): TypedValues {
    const plain = new ByteBuffer();
    const others: OtherValue[] = [];
    const levels = new Uint8Array(this.#kinds.length);
    const at = { integer: 0, real: 0, text: 0 };
    for (const [row, kind] of this.#kinds.bytes.entries()) {
      if (kind === KIND.integer) {
        const integer = this.#integers.bigIntAt(at.integer);
        at.integer += 8;
        if (type === "int64") plain.addBigInt(integer);
        else if (type === "double" && isExact(integer)) plain.addDouble(Number(integer));
        else {
          others.push({ row, kind: "integer", integer });
          continue;
        }
      } else if (kind === KIND.real) {
        const real = this.#reals.doubleAt(at.real);
        at.real += 8;
        if (type === "double") plain.addDouble(real);
        else {
          others.push({ row, kind: "real", real });
          continue;
        }
      } else if (kind !== KIND.null) {
        const bytes = this.#texts.countedAt(at.text);
        at.text += 4 + bytes.byteLength;
        const isHeld = type === (kind === KIND.text ? "text" : "blob");
        if (isHeld && kind !== KIND.invalidText) plain.addCounted(bytes, 0, bytes.byteLength);
        else {
          others.push({ row, kind: TEXT_KINDS[kind as keyof typeof TEXT_KINDS], bytes });
          continue;
        }
      }
      levels[row] = kind === KIND.null ? 0 : 1;
    }
    return { levels, plain: plain.bytes, others };
  }
}

const TEXT_KINDS = {
  [KIND.text]: "text",
  [KIND.invalidText]: "invalid text",
  [KIND.blob]: "blob",
} as const;

function isExact(integer: bigint): boolean {
  return integer <= EXACT_MAX && integer >= -EXACT_MAX;
}

function noValues(): TypeCounts {
  return { integers: 0, wideIntegers: 0, reals: 0, texts: 0, invalidTexts: 0, blobs: 0 };
}
