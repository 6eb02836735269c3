import type { Affinity } from "../../sqlite/catalog.ts";

/** The Parquet types that columns have, and the letters that stand for them in an encoder's state. */
export type ColumnType = "int64" | "double" | "text" | "blob";

/** How many values of a column have each type of SQLite. */
export interface TypeCounts {
  integers: number;
  /** Integers that a double does not represent exactly. */
  wideIntegers: number;
  reals: number;
  /** Texts in UTF-8. */
  texts: number;
  /** Texts that are not valid UTF-8: no column type holds them. */
  invalidTexts: number;
  blobs: number;
}

/**
 * Returns the type that holds most of the values; undefined if all are NULL. Of types that hold equally many, the
 * first in the order of `ColumnType` wins.
 */
export function chooseType(counts: TypeCounts): ColumnType | undefined {
  const { integers, wideIntegers, reals, texts, invalidTexts, blobs } = counts;
  const held: [ColumnType, number][] = [
    ["int64", integers],
    ["double", reals + integers - wideIntegers],
    ["text", texts],
    ["blob", blobs],
  ];
  let best: [ColumnType | undefined, number] = [undefined, 0];
  for (const each of held) if (each[1] > best[1]) best = each;
  // A column whose only values are invalid texts holds text.
  return best[0] ?? (invalidTexts > 0 ? "text" : undefined);
}

/** The type of a column without any value, by its declared type. */
export const TYPE_BY_AFFINITY: Record<Affinity, ColumnType> = {
  integer: "int64",
  real: "double",
  numeric: "double",
  text: "text",
  blob: "blob",
};

/** What a reader calls the types, for messages. */
export const TYPE_NAMES: Record<ColumnType, string> = {
  int64: "INT64",
  double: "DOUBLE",
  text: "UTF8",
  blob: "BYTE_ARRAY",
};

const LETTERS = { int64: "i", double: "d", text: "t", blob: "b" } as const;
const UNDECIDED = "-";

/** Returns one letter per column, which `parseTypes` reads. */
export function formatTypes(types: readonly (ColumnType | undefined)[]): string {
  return types.map((type) => (type === undefined ? UNDECIDED : LETTERS[type])).join("");
}

/** Reads the letters of `formatTypes`. */
export function parseTypes(letters: string): (ColumnType | undefined)[] {
  const types = Object.keys(LETTERS) as ColumnType[];
  return Array.from(letters, (letter) => types.find((type) => LETTERS[type] === letter));
}
