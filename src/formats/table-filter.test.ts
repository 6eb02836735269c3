import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { matchesPattern } from "./table-filter.ts";

describe("a table pattern", () => {
  test.each([
    ["users", "users", true],
    ["Users", "uSERS", true],
    ["users", "user", false],
    ["users", "user*", true],
    ["users", "*", true],
    ["users", "*ers", true],
    ["users", "u*r*", true],
    ["users", "users*", true],
    ["aba", "ab*ba", false],
    ["abba", "ab*ba", true],
    ["abcbc", "a*bc*bc", true],
    ["abc", "a*bc*bc", false],
    ["", "*", true],
    ["", "**", true],
    ["a.b", "a?b", false],
    ["100%", "100_", false],
    ["Ä", "ä", false],
    ["x*y", "x*y", true],
  ])("%j against %j is %j", (name, pattern, expected) => {
    expect(matchesPattern(name, pattern)).toBe(expected);
  });

  test("means what the regular expression of its parts means", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
    fc.assert(
      fc.property(text, text, (name, pattern) => {
        const plain = name.replaceAll("*", "c");
        const expression = new RegExp(`^${pattern.split("*").join(".*")}$`, "s");
        return matchesPattern(plain, pattern) === expression.test(plain);
      }),
      { numRuns: 2_000 },
    );
  });

  test("that many backtracking matchers choke on is answered at once", () => {
    expect(matchesPattern("a".repeat(1_000), `${"a*".repeat(490)}b`)).toBe(false);
  });
});
