import * as v from "valibot";
import { expect, test } from "vitest";

import { describeIssue } from "./describe-issue.ts";

const Schema = v.strictObject({
  format: v.optional(v.picklist(["sql", "csv"])),
  count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(9))),
  names: v.optional(v.union([v.literal("any"), v.pipe(v.array(v.string()), v.minLength(1))])),
  name: v.optional(v.pipe(v.string(), v.minLength(2), v.maxLength(3))),
  id: v.optional(v.pipe(v.string(), v.uuid())),
  own: v.optional(v.pipe(v.string(), v.regex(/^x$/, "expected an x"))),
  on: v.optional(v.boolean()),
  nested: v.optional(v.strictObject({ needed: v.string() })),
  three: v.optional(
    v.union([
      v.strictObject({ a: v.number() }),
      v.strictObject({ b: v.number() }),
      v.strictObject({ c: v.number() }),
    ]),
  ),
  choice: v.optional(
    v.union([
      v.strictObject({ id: v.pipe(v.string(), v.uuid(), v.toLowerCase()) }),
      v.strictObject({
        key: v.string(),
        hash: v.optional(v.pipe(v.string(), v.regex(/^x$/, "expected an x"))),
      }),
    ]),
  ),
});

test.each([
  [{ formt: "sql" }, "formt: unknown field"],
  [{ format: "xml" }, 'format: expected "sql" or "csv"'],
  [{ count: "1" }, "count: expected a number"],
  [{ count: 1.5 }, "count: expected a whole number"],
  [{ count: 0 }, "count: expected at least 1"],
  [{ count: 10 }, "count: expected at most 9"],
  [{ names: "all" }, 'names: expected "any" or a list'],
  [{ names: [] }, "names: expected at least 1 entries"],
  [{ name: "a" }, "name: expected at least 2 characters"],
  [{ name: "abcd" }, "name: expected at most 3 characters"],
  [{ id: "7" }, "id: expected a UUID"],
  [{ own: "y" }, "own: expected an x"],
  [{ on: "yes" }, "on: expected true or false"],
  [{ nested: {} }, "nested.needed: is missing"],
  [{ nested: "token-abc" }, "nested: expected an object"],
  [{ choice: 7 }, "choice: expected an object"],
  [{ choice: {} }, "choice: expected one of the fields id, key"],
  [{ choice: { ky: "a" } }, "choice: expected one of the fields id, key"],
  [{ three: {} }, "three: expected one of the fields a, b, c"],
  [{ three: { a: 1, b: 2 } }, "three: expected only one of the fields a, b"],
  [{ choice: { id: 7 } }, "choice: id: expected a string"],
  [{ choice: { id: "token-abc" } }, "choice: id: expected a UUID"],
  [{ choice: { key: "a", hash: "token-abc" } }, "choice.hash: expected an x"],
  [
    { choice: { id: "0b6a1b0e-2f4c-4b6e-9d0a-5b1f7c1d2e3f", key: "a" } },
    "choice: expected only one of the fields id, key",
  ],
])("says plainly what is wrong with %j, and never its value", (value, words) => {
  const parsed = v.safeParse(Schema, value);
  const [issue] = parsed.issues ?? [];
  expect(issue && `${v.getDotPath(issue)}: ${describeIssue(issue)}`).toBe(words);
});
