import * as v from "valibot";
import { describe, expect, test } from "vitest";

import { describeIssue } from "../lib/describe-issue.ts";
import { DEFAULT_SOURCES, SourcesSchema } from "./source-config.ts";

describe("EXPORT_SOURCES", () => {
  test("takes sources of both types, and the default", () => {
    const sources = {
      main: { type: "durable-object", binding: "DATABASE", name: "sql-durable-object" },
      tenants: { type: "durable-object", binding: "TENANT", names: "any" },
      few: { type: "durable-object", binding: "TENANT", names: ["a", "b"] },
      one: { type: "durable-object", binding: "TENANT", id: "0A".repeat(32) },
      shop: { type: "d1", binding: "SHOP_DB" },
    };
    const parsed = v.parse(SourcesSchema, sources);
    expect(Object.keys(parsed)).toEqual(Object.keys(sources));
    expect(parsed["one"]).toMatchObject({ id: "0a".repeat(32) });
    expect(v.parse(SourcesSchema, DEFAULT_SOURCES)).toEqual(DEFAULT_SOURCES);
  });

  test.each([
    [{}, "expected at least one source"],
    ["main", "expected an object"],
    [{ "a b": { type: "d1", binding: "B" } }, "a b: expected a name of letters"],
    [{ a: {} }, "a.type: is missing"],
    [{ a: { type: "d2" } }, 'a.type: expected "durable-object" or "d1"'],
    [{ a: { type: "d1" } }, "a.binding: is missing"],
    [{ a: { type: "d1", binding: "A B" } }, "a.binding: expected the name of a binding"],
    [{ a: { type: "d1", binding: "B", name: "x" } }, "a.name: unknown field"],
    [{ a: { type: "durable-object", binding: "B" } }, "a: expected `name` or `id` of an object"],
    [
      { a: { type: "durable-object", binding: "B", name: "x", id: "0".repeat(64) } },
      "a: expected `name` or `id`, not both",
    ],
    [{ a: { type: "durable-object", binding: "B", id: "0" } }, "a.id: expected the 64 hex digits"],
    [
      { a: { type: "durable-object", binding: "B", names: "all" } },
      'a.names: expected "any" or a list',
    ],
  ])("says which field of %j is wrong", (value, words) => {
    const [issue] = v.safeParse(SourcesSchema, value).issues ?? [];
    const path = issue && v.getDotPath(issue);
    expect(issue && `${path ? `${path}: ` : ""}${describeIssue(issue)}`).toContain(words);
  });
});
