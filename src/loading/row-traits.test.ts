import * as fc from "fast-check";
import { expect, test } from "vitest";

import { encodeUtf8 } from "../lib/bytes.ts";
import { countPlainRows } from "../sqlite/plain-rows.ts";
import { countRows } from "./row-counts.ts";
import { findRowTraits, PLAIN_ROWS } from "./row-traits.ts";

const PIECES =
  "( ) , ; - -- -1 1.5e+3 NULL X'0A' x' ' 'it''s;(a)' 'select' 'wörd' \" /* */ select changes() 1+2 |"
    .split(" ")
    .concat(" ", "\n", "\0");

const rowsArbitrary = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join("")),
  fc
    .array(
      fc.array(fc.constantFrom("1", "-2.5", "NULL", "'a''b;'", "X''", "'('"), { minLength: 1 }),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    .map((rows) => `${rows.map((values) => `(${values.join(", ")})`).join(",\n")};`),
);

test("counts rows of literals as the general count does, and finds nothing special in them", () => {
  let counted = 0;
  fc.assert(
    fc.property(rowsArbitrary, (rows) => {
      const bytes = encodeUtf8(`VALUES${rows}`);
      const count = countPlainRows(bytes, "VALUES".length);
      if (count === undefined) return;
      counted += 1;
      expect(count).toBe(countRows(bytes, 0));
      const { hasSpecialWords: _, ...traits } = findRowTraits(bytes, 0, new Set());
      const { hasSpecialWords: __, ...plain } = PLAIN_ROWS;
      expect(traits).toEqual(plain);
    }),
    { numRuns: 3_000 },
  );
  expect(counted).toBeGreaterThan(500);
});

test.each([
  ["a comment", "(1--2\n);"],
  ["an expression", "(1|2);"],
  ["a query", "((SELECT 1));"],
  ["a quoted name", '("a");'],
  ["a word", "(a);"],
  ["a string that does not end", "('a);"],
  ["a row that does not end", "(1;"],
  ["a clause after the rows", "(1) RETURNING 1;"],
  ["a second statement", "(1);(2);"],
])("does not count rows with %s", (_, rows) => {
  expect(countPlainRows(encodeUtf8(rows), 0)).toBe(undefined);
});
