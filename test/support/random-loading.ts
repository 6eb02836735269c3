import * as fc from "fast-check";
import { type RealKind, randomReals } from "./random-reals.ts";

const KINDS: readonly RealKind[] = ["coordinates", "decimals", "random", "subnormal", "largest"];

/** Reals of every kind that some version of SQLite misreads, as SQL. */
export const misreadRealArbitrary: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...KINDS), fc.nat())
  .map(([kind, seed]) => {
    const [real = 0] = randomReals(kind, 1, seed);
    const text = String(real);
    return /[.e]/.test(text) ? text : `${text}.0`;
  });

/** Texts that a loader changes, refuses or mistakes for the end of something. */
export const CHANGED_TEXTS = [
  "BEGIN TRANSACTION;",
  "COMMIT;",
  "SQL lesson: BEGIN TRANSACTION; UPDATE a SET b=1; COMMIT; end",
  "it's BEGIN TRANSACTION\r\nCOMMIT;\r\n",
  "BEGIN TRANSACTION\n;",
];

/** Tables that only some loaders accept, in the order of a script. */
export interface LoadingShape {
  quotedCheck: boolean;
  quotedIndex: boolean;
  brokenCheck: boolean;
  mismatch: "none" | "plain" | "index" | "self";
}

export const loadingArbitrary: fc.Arbitrary<LoadingShape> = fc.record({
  quotedCheck: fc.boolean(),
  quotedIndex: fc.boolean(),
  brokenCheck: fc.boolean(),
  mismatch: fc.constantFrom("none", "none", "plain", "index", "self"),
});

/** Statements that create the tables; those with rows that violate rules only if `breaksRules`. */
export function loadingScript(shape: LoadingShape, breaksRules: boolean): string[] {
  const script: string[] = [];
  if (shape.quotedCheck) {
    script.push(
      `CREATE TABLE "quoted check"(s TEXT CHECK ("s" IN ("new", "done")), t AS (s || "!"), d DEFAULT "x")`,
      `INSERT INTO "quoted check"(s) VALUES ('new'), ('done'), (NULL)`,
    );
  }
  if (shape.quotedIndex) {
    script.push(
      `CREATE TABLE "quoted index"("a" TEXT, b)`,
      `CREATE UNIQUE INDEX "a quoted index" ON "quoted index"("a", b || "x") WHERE "b" <> "none"`,
      `INSERT INTO "quoted index" VALUES ('1', 2), ('1', 'none'), ('1', 'none')`,
    );
  }
  if (!breaksRules) return script;
  if (shape.brokenCheck) {
    script.push(
      `CREATE TABLE "broken check"(n INTEGER CHECK (n > 0), t TEXT, CHECK (length(t) < 3))`,
      "PRAGMA ignore_check_constraints = ON",
      `INSERT INTO "broken check" VALUES (-1, 'long text'), (1, 'ok')`,
      "PRAGMA ignore_check_constraints = OFF",
    );
  }
  if (shape.mismatch !== "none") {
    const parent = shape.mismatch === "self" ? "no key child" : "no key parent";
    script.push(
      "PRAGMA foreign_keys = OFF",
      `CREATE TABLE "no key parent"(code TEXT, other)`,
      ...(shape.mismatch === "index" ? [`CREATE INDEX no_key ON "no key parent"(code)`] : []),
      `INSERT INTO "no key parent" VALUES ('a', 1), ('a', 2)`,
      `CREATE TABLE "no key child"(code TEXT REFERENCES "${parent}"(code), n)`,
      `INSERT INTO "no key child" VALUES ('a', 1), (NULL, 2), ('missing', 3)`,
      "PRAGMA foreign_keys = ON",
    );
  }
  return script;
}
