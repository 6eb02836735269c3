import * as fc from "fast-check";
import { ODD_NAMES } from "./odd-names.ts";
import { CHANGED_TEXTS, misreadRealArbitrary } from "./random-loading.ts";

/**
 * Names that break dumps: keywords, quotes, line ends, comments, names that look like other
 * programs' tables.
 */
const NASTY_NAMES = [
  "order",
  "select",
  "NULL",
  "values",
  "END",
  "go",
  "/",
  "rowid",
  "main",
  "temp",
  'quo"te',
  '"',
  "apo'strophe",
  "back`tick",
  "[bracket]",
  "]",
  "dot.ted",
  "per%cent",
  "under_score",
  "*",
  "?1",
  ":a",
  "$x",
  "@",
  "1",
  "0x10",
  "1e5",
  " leading",
  "trailing ",
  " ",
  "new\nline",
  "carriage\r\nreturn",
  "tab\t",
  "-- comment",
  "/* comment",
  "*/",
  "semi;colon",
  "back\\slash",
  "\\n",
  "emoji \u{1f98b}\u{1f9d1}\u200d\u{1f680}",
  "ümlaut",
  "\ufeffbom",
  "\ufffd",
  "\u0001",
  "sqlite",
  "sqlitefoo",
  "sqlite-sequence",
  "cf_kv",
  "_cf",
  "tmp_export_reports",
  "tmp_export_",
  "stage",
  "X'00'",
  "CREATE TABLE x(a)",
  "very ".repeat(60),
];

/** A name that SQLite accepts, but not one of the runtime's or of SQLite's own. */
export const nameArbitrary: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("a", "b", "e", "o", "v", "users", "Orders", "x y", "data"),
  },
  { weight: 4, arbitrary: fc.constantFrom(...NASTY_NAMES) },
  { weight: 3, arbitrary: fc.constantFrom(...ODD_NAMES) },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: "binary", minLength: 1, maxLength: 12 })
      .filter(
        (name) => !name.includes("\0") && !/^(sqlite_|_cf_|__miniflare|tmp_export)/i.test(name),
      ),
  },
);

/** A value as an SQL expression, and its storage class. */
export interface RandomValue {
  kind: "null" | "integer" | "real" | "text" | "blob";
  sql: string;
}

function valueOf(kind: RandomValue["kind"]): (sql: string) => RandomValue {
  return (sql) => ({ kind, sql });
}

const nullArbitrary = fc.constant<RandomValue>({ kind: "null", sql: "NULL" });

const integerArbitrary = fc
  .oneof(
    fc.integer({ min: -3, max: 9 }).map(BigInt),
    fc.constantFrom(
      0n,
      -1n,
      2n ** 53n + 1n,
      -(2n ** 53n) - 1n,
      2n ** 63n - 1n,
      -(2n ** 63n),
      2n ** 47n,
      2n ** 31n,
    ),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  )
  .map(String)
  .map(valueOf("integer"));

const realArbitrary = fc
  .oneof(
    fc.constantFrom(
      "0.0",
      "-0.0",
      "1.0",
      "-1.0",
      "0.1",
      "9.0e+999",
      "-9.0e+999",
      "5e-324",
      "-5e-324",
      "2.2250738585072009e-308",
      "2.2250738585072014e-308",
      "1.7976931348623157e308",
      "9007199254740993.0",
      "9223372036854775807.0",
      "-9223372036854775808.0",
      "1e15",
      "123456789012345680.0",
      "0.30000000000000004",
    ),
    misreadRealArbitrary,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => {
      const text = String(value);
      return /[.e]/.test(text) ? text : `${text}.0`;
    }),
  )
  .map(valueOf("real"));

const TEXTS = [
  "",
  "0",
  "1",
  "007",
  "1.0",
  "1e5",
  " 12 ",
  "0x10",
  "-0.0",
  "inf",
  "NULL",
  "it's",
  "''",
  '"',
  "\n",
  "\\n and \n",
  "\r",
  "\r\n",
  "\\n \\r \\u0000 \n \r",
  "char(10)",
  "X'00'",
  "\ufeffbom",
  "\ufffd",
  "\ufffe\uffff",
  "\u{1f98b}",
  "e\u0301",
  "a;b",
  "--",
  "/*",
  "*/",
  "');DROP TABLE users;--",
  "\u0001\u001a\u007f",
  "ABC",
  "abc",
  "abc   ",
  "tmp_export_stage",
  "%s %d",
  ".quit",
  "go",
  ...CHANGED_TEXTS,
];

/**
 * Bytes that no valid UTF-8 text contains: lone and overlong sequences, surrogates, values that are
 * too large.
 */
const INVALID_UTF8 = [
  "FF",
  "FE",
  "80",
  "C0AF",
  "C3",
  "E282",
  "EDA080",
  "EDB080",
  "F4908080",
  "F8888080",
  "61FF62",
  "FF00FF",
  "27FF27",
  "C327",
  "E228",
  "0A5C6EFF",
];

function toHexDigits(text: string): string {
  return Buffer.from(text, "utf8").toString("hex");
}

const textArbitrary = fc
  .oneof(
    { weight: 5, arbitrary: fc.constantFrom(...TEXTS).map(writeTextLiteral) },
    { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 20 }).map(writeTextLiteral) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...TEXTS), fc.constantFrom(...TEXTS))
        .map(([before, after]) => `CAST(X'${toHexDigits(`${before}\0${after}`)}' AS TEXT)`),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...TEXTS), fc.constantFrom(...INVALID_UTF8))
        .map(([before, after]) => `CAST(X'${toHexDigits(before)}${after}' AS TEXT)`),
    },
    {
      weight: 1,
      arbitrary: fc
        .uint8Array({ maxLength: 12 })
        .map((bytes) => `CAST(X'${Buffer.from(bytes).toString("hex")}' AS TEXT)`),
    },
  )
  .map(valueOf("text"));

function writeTextLiteral(text: string): string {
  return text.includes("\0")
    ? `CAST(X'${toHexDigits(text)}' AS TEXT)`
    : `'${text.replaceAll("'", "''")}'`;
}

const blobArbitrary = fc
  .oneof(
    fc.constantFrom("", "00", "FF", "27", "0A", "61", "EFBBBF"),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  )
  .map((hex) => `X'${hex}'`)
  .map(valueOf("blob"));

/** Pieces that large values repeat: plain, with quotes, NUL, a character of three bytes, invalid. */
const LARGE_PIECES = ["61", "27", "00", "0A", "E282AC", "F09FA68B", "FF", "6100", "C3", "5C6E0A"];

/**
 * Values near the limits of a statement, a page and a row. Short statements create them, so that a
 * script with them is itself legal on the platform.
 */
export function largeValue(piece: string, bytes: number, kind: "text" | "blob"): RandomValue {
  const count = Math.max(1, Math.floor((bytes * 2) / piece.length));
  const text = `replace(hex(zeroblob(${count})), '00', CAST(X'${piece}' AS TEXT))`;
  return { kind, sql: kind === "text" ? text : `CAST(${text} AS BLOB)` };
}

const largeArbitrary = fc
  .tuple(
    fc.constantFrom(...LARGE_PIECES),
    fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 5_000, max: 60_000 }) },
      { weight: 8, arbitrary: fc.integer({ min: 49_000, max: 51_000 }) },
      { weight: 8, arbitrary: fc.integer({ min: 98_000, max: 101_000 }) },
      { weight: 4, arbitrary: fc.integer({ min: 60_000, max: 260_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 260_000, max: 1_900_000 }) },
    ),
    fc.constantFrom("text" as const, "blob" as const),
  )
  .map(([piece, bytes, kind]) => largeValue(piece, bytes, kind));

/** Any value that SQLite can store, mostly small; one in sixty is large. */
export const valueArbitrary: fc.Arbitrary<RandomValue> = fc.oneof(
  { weight: 6, arbitrary: nullArbitrary },
  { weight: 14, arbitrary: integerArbitrary },
  { weight: 12, arbitrary: realArbitrary },
  { weight: 18, arbitrary: textArbitrary },
  { weight: 8, arbitrary: blobArbitrary },
  { weight: 1, arbitrary: largeArbitrary },
);
