import * as fc from "fast-check";
import { expect, test } from "vitest";

import { encodeUtf8, viewOf } from "../lib/bytes.ts";
import { type ScriptStatement, textOf } from "./script-statement.ts";
import { StatementSplitter } from "./statement-splitter.ts";
import { tokenizeSql } from "./sql-tokens.ts";

const HEAD = "INSERT INTO t\nVALUES";

const PLAIN = [
  "1",
  "-2.5e+3",
  "- 1",
  "NULL",
  "X'0a'",
  "'it''s;\n(a)'",
  "'wörd'",
  "'--'",
  "''",
].concat(" \n1", `'${"line\n".repeat(200)}'`, `'${"x".repeat(510)}'`, `'${"y".repeat(511)}\n;'`);
const ODD = [
  "1--2;\n",
  "--';\n1",
  "changes()",
  '"a;"',
  "(SELECT 1)",
  "/*;*/1",
  "[;']",
  "unistr('a')",
];

const rowArbitrary = (values: readonly string[]) =>
  fc
    .array(fc.constantFrom(...values), { minLength: 1, maxLength: 4 })
    .map((list) => `(${list.join(",")})`);

const insertArbitrary = fc
  .tuple(
    fc.constantFrom(HEAD, HEAD, HEAD, "INSERT INTO u VALUES", HEAD.toLowerCase(), `${HEAD}x`),
    fc.constantFrom("", " ", "\n", "\t"),
    fc.oneof(
      fc.array(rowArbitrary(PLAIN), { minLength: 1, maxLength: 5 }),
      fc.array(rowArbitrary([...PLAIN, ...ODD]), { minLength: 1, maxLength: 5 }),
    ),
    fc.constantFrom("", "", "", " ", " RETURNING 1", " ON CONFLICT DO NOTHING", "-", "-- ;\n"),
  )
  .map(([head, gap, rows, tail]) => `${head}${gap}${rows.join(",\n")}${tail};`);

const scriptArbitrary = fc
  .array(
    fc.tuple(
      fc.oneof(
        { weight: 5, arbitrary: insertArbitrary },
        fc.constantFrom("SELECT 1;", ";", "-- ;\n"),
      ),
      fc.constantFrom("", "\n", "\n\n"),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.flat().join(""));

/** Splits a script that arrives in pieces of these sizes, over and over. */
function split(script: Uint8Array, sizes: readonly number[], head?: Uint8Array): ScriptStatement[] {
  const splitter = new StatementSplitter();
  const expected = head && viewOf(head);
  splitter.expectRows(expected);
  const found: ScriptStatement[] = [];
  for (let at = 0, n = 0; at < script.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1;
    found.push(...splitter.push(script.slice(at, at + size)));
    at += size;
  }
  const last = splitter.finish();
  return last === undefined ? found : [...found, last];
}

/** The opening parentheses of an INSERT that are in no other ones. */
function countRows(sql: string): number {
  let [depth, rows] = [0, 0];
  for (const { text } of tokenizeSql(sql)) {
    if (text === "(" && depth === 0) rows += 1;
    if (text === "(") depth += 1;
    if (text === ")") depth -= 1;
  }
  return rows;
}

test("finds the same statements and lines, and counts the rows, if it expects rows", () => {
  let plain = 0;
  const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(scriptArbitrary, sizes, fc.nat(40), (script, pieces, missing) => {
      const bytes = encodeUtf8(script);
      const broken = bytes.subarray(0, Math.max(0, bytes.length - missing));
      const found = split(broken, pieces, encodeUtf8(HEAD));
      const expected = split(broken, [1 << 20]);
      expect(found).toHaveLength(expected.length);
      for (const { plain: rows, ...statement } of found) {
        expect(statement).toEqual(expected[statement.number - 1]);
        if (rows === undefined) continue;
        plain += 1;
        const sql = viewOf(textOf(statement)).toString();
        expect(sql.startsWith(HEAD)).toBe(true);
        expect(rows.rows).toBe(countRows(sql));
        expect(statement.isEnded).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
  expect(plain).toBeGreaterThan(300);
});

test("counts the rows of a statement that arrives byte by byte after its head", () => {
  const script = encodeUtf8(
    `${HEAD} (1, 'a\n;', -1),\n('${"b\n".repeat(600)}', 2, X''),(- 1,'','''');`,
  );
  const sizes = [HEAD.length + 1, ...Array.from(script, () => 1)];
  const [statement] = split(script, sizes, encodeUtf8(HEAD));
  expect(statement?.plain?.rows).toBe(3);
  expect(statement?.after.lines).toBe(Buffer.from(script).toString().split("\n").length - 1);
});

test("reads an INSERT with anything but literals by the general rules", () => {
  for (const value of ODD) {
    const script = encodeUtf8(`${HEAD} (1),(${value});${HEAD} (2);`);
    const found = split(script, [1 << 20], encodeUtf8(HEAD));
    expect(found.map(({ plain: rows }) => rows?.rows)).toEqual([undefined, 1]);
  }
});
