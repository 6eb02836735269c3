import * as fc from "fast-check";
import { expect, test } from "vitest";

import { wrapWords } from "./progress.ts";

test("cuts a text between words, and keeps every word", () => {
  expect(wrapWords("FTS5 indexes, views and triggers", 14)).toEqual([
    "FTS5 indexes,",
    "views and",
    "triggers",
  ]);
  expect(wrapWords("a longerthanfive b", 5)).toEqual(["a", "longerthanfive", "b"]);
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{1,9}( [a-z]{1,9}){0,20}$/), (text) => {
      const lines = wrapWords(text, 12);
      expect(lines.join(" ")).toBe(text);
      expect(lines.every((line) => line.length <= 12)).toBe(true);
    }),
  );
});
