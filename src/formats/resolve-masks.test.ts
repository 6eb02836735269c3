import { DatabaseSync } from "node:sqlite";

import * as v from "valibot";
import { describe, expect, test } from "vitest";

import { type Mask, type Masks, MasksSchema } from "../api/masks.ts";
import { readCatalog } from "../reading/read-catalog.ts";
import { nodeSqliteSource } from "../../test/support/node-sqlite-source.ts";
import { planDump } from "./plan-dump.ts";

async function plan(sql: string, mask: Masks, exclude: string[] = []): Promise<string[]> {
  const db = new DatabaseSync(":memory:");
  db.exec(sql);
  const catalog = await readCatalog(nodeSqliteSource(db));
  const request = { source: "main", format: "sql", content: "all", mask } as const;
  const tables = exclude.length === 0 ? {} : { tables: { exclude } };
  return planDump({ ...request, ...tables }, catalog).plan.warnings;
}

const of = (mask: Mask): Masks => ({ t: { a: mask } });
const USER: Mask = { template: "user-{rowid}" };

describe("a mask is refused", () => {
  test.each<[string, string, Masks, string]>([
    ["of an unknown table", "CREATE TABLE t(a)", { u: { a: "null" } }, 'table "u"'],
    ["of an unknown column", "CREATE TABLE t(a)", { t: { b: "null" } }, 'column "b"'],
    ["of a view", "CREATE TABLE u(a); CREATE VIEW t AS SELECT a FROM u", of("null"), 'table "t"'],
    ["of a table named twice", "CREATE TABLE t(a)", { t: {}, T: { a: "null" } }, "twice"],
    ["of a column named twice", "CREATE TABLE t(a)", { t: { a: "null", A: "length" } }, "twice"],
    ["of an INTEGER PRIMARY KEY", "CREATE TABLE t(a INTEGER PRIMARY KEY)", of("length"), "key"],
    ["of a key's column", "CREATE TABLE t(a, b, PRIMARY KEY(b, a))", of("length"), "key"],
    [
      "of a key without rowid",
      "CREATE TABLE t(a PRIMARY KEY, b) WITHOUT ROWID",
      of("length"),
      "key",
    ],
    [
      "of a foreign key's column",
      "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(a REFERENCES p)",
      of("length"),
      "foreign key",
    ],
    [
      "of a column that another table refers to",
      "CREATE TABLE t(a UNIQUE); CREATE TABLE c(x REFERENCES T(A))",
      of(USER),
      '"c" refers to it',
    ],
    ["of a generated column", "CREATE TABLE t(b, a AS (b))", of("length"), "generated"],
    [
      "of a column that a generated one reads",
      'CREATE TABLE t(a, b AS (json_extract("a", 0)))',
      of("length"),
      "generated",
    ],
    ["by null of a NOT NULL column", "CREATE TABLE t(a NOT NULL)", of("null"), "NOT NULL"],
    ["of a UNIQUE column, by length", "CREATE TABLE t(a UNIQUE)", of("length"), "UNIQUE"],
    ["of a UNIQUE column, by a value", "CREATE TABLE t(a UNIQUE)", of({ value: "x" }), "UNIQUE"],
    [
      "of a UNIQUE column, by another column",
      "CREATE TABLE t(a UNIQUE, b)",
      of({ template: "{b}" }),
      "UNIQUE",
    ],
    [
      "of a UNIQUE column, by two placeholders that may join to equal texts",
      "CREATE TABLE t(a UNIQUE, b)",
      of({ template: "{b}{rowid}" }),
      "UNIQUE",
    ],
    [
      "of an expression's column in a UNIQUE index",
      "CREATE TABLE t(a); CREATE UNIQUE INDEX i ON t(lower(a))",
      of(USER),
      "computes",
    ],
    [
      "of a partial UNIQUE index's condition",
      "CREATE TABLE t(a, b); CREATE UNIQUE INDEX i ON t(b) WHERE a = 1",
      of("null"),
      "computes",
    ],
    ["of a column in a CHECK", "CREATE TABLE t(a, CHECK (length(a) > 2))", of("length"), "CHECK"],
    ["with an unknown placeholder", "CREATE TABLE t(a)", of({ template: "{b}" }), "{b}"],
    ["with a masked placeholder", "CREATE TABLE t(a)", of({ template: "{a}" }), "is masked"],
    ["with half a brace", "CREATE TABLE t(a)", of({ template: "{a" }), "brace"],
    [
      "with {rowid} in a table without it",
      "CREATE TABLE t(k PRIMARY KEY, a) WITHOUT ROWID",
      of(USER),
      "{rowid}",
    ],
    [
      "with a template that may look like a number, of a column of numbers",
      "CREATE TABLE t(a DATETIME)",
      of({ template: "{rowid}" }),
      "stores numbers",
    ],
    [
      "with text that looks like a number",
      "CREATE TABLE t(a INT)",
      of({ value: " 1e5 " }),
      "number",
    ],
    ["with a number, of a TEXT column", "CREATE TABLE t(a TEXT)", of({ value: 1 }), "must be text"],
    [
      "with text, of a STRICT column of numbers",
      "CREATE TABLE t(a INT) STRICT",
      of({ value: "x" }),
      "an integer",
    ],
    [
      "with a template, of a STRICT column of BLOBs",
      "CREATE TABLE t(a BLOB) STRICT",
      of(USER),
      "BLOB",
    ],
    [
      "while an FTS5 table has its own copy of the column",
      "CREATE TABLE t(a); CREATE VIRTUAL TABLE f USING fts5(A, other)",
      of("length"),
      'virtual table "f"',
    ],
    [
      "of an FTS5 table over other content",
      "CREATE TABLE u(a); CREATE VIRTUAL TABLE t USING fts5(a, content=u)",
      of("length"),
      "virtual",
    ],
    [
      "of the column from which an FTS5 table takes its ids",
      "CREATE TABLE t(a, b); CREATE VIRTUAL TABLE f USING fts5(b, content=t, content_rowid=a)",
      of({ value: 5 }),
      "takes its ids",
    ],
  ])("%s", async (_what, sql, mask, words) => {
    await expect(plan(sql, mask)).rejects.toMatchObject({
      code: "mask-invalid",
      message: expect.stringContaining(words),
    });
  });
});

describe("a mask is accepted", () => {
  test.each<[string, string, Masks, string[]?]>([
    ["by names in either case", "CREATE TABLE t(a)", { T: { A: "length" } }],
    ["by null of a UNIQUE column", "CREATE TABLE t(a UNIQUE)", of("null")],
    ["by {rowid} of a UNIQUE column", "CREATE TABLE t(a UNIQUE)", of(USER)],
    [
      "by the INTEGER PRIMARY KEY of a UNIQUE column",
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)",
      of({ template: "{ID}!" }),
    ],
    [
      "if the FTS5 table's column is masked too",
      "CREATE TABLE t(a); CREATE VIRTUAL TABLE f USING fts5(a)",
      { t: { a: "length" }, f: { a: "length" } },
    ],
    [
      "if the FTS5 table is excluded",
      "CREATE TABLE t(a); CREATE VIRTUAL TABLE f USING fts5(a)",
      of("length"),
      ["f"],
    ],
    [
      "for an index named like the column",
      "CREATE TABLE t(a); CREATE INDEX a ON t(a)",
      of("length"),
    ],
  ])("%s", async (_what, sql, mask, exclude) => {
    expect(await plan(sql, mask, exclude)).toEqual([]);
  });

  test("with a warning if an index computes with the column", async () => {
    const sql = "CREATE TABLE t(a); CREATE INDEX i ON t(lower(a))";
    expect(await plan(sql, of("length"))).toEqual([
      'index "i" computes with masked column "t"."a": the dump loads only if that works with masked values',
    ]);
  });
});

describe("the request's field", () => {
  test.each([
    ['{"t": {"constructor": "null"}}', "cannot be masked"],
    ['{"__proto__": {"a": "null"}}', "cannot be masked"],
    ['{"t": {"a": "hash"}}', "Invalid"],
    ['{"t": {"a": {"template": "a\\u0000"}}}', "Invalid"],
    ['{"t": {"a": {"value": 9007199254740993}}}', "Invalid"],
  ])("refuses %s", (text, words) => {
    const parsed = v.safeParse(MasksSchema, JSON.parse(text));
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.issues)).toMatch(new RegExp(`${words}|NUL|exact`));
  });

  test("keeps every mask as it is sent", () => {
    const masks = { t: { a: "null", b: { value: 0 } }, u: { c: { template: "{rowid}" } } };
    expect(v.parse(MasksSchema, masks)).toEqual(masks);
  });
});
