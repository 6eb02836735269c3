import { describe, expect, test } from "vitest";

import type { SourceConfig } from "../api/source-config.ts";
import { sourceObjectOf } from "./open-source.ts";

describe("the object that a request means", () => {
  const base = { type: "durable-object", binding: "B" } as const;
  const id = "0a".repeat(32);
  const of = (config: SourceConfig, request: { name?: string; id?: string }) =>
    sourceObjectOf(config, { source: "s", ...request });

  test("is the source's own where it names none", () => {
    expect(of({ ...base, name: "x" }, {})).toEqual({ name: "x" });
    expect(of({ ...base, id }, {})).toEqual({ id });
    expect(of({ ...base, name: "x", names: "any" }, {})).toEqual({ name: "x" });
    expect(of({ type: "d1", binding: "B" }, {})).toBeNull();
  });

  test("is the one it names where the source allows it", () => {
    expect(of({ ...base, names: "any" }, { name: "acme" })).toEqual({ name: "acme" });
    expect(of({ ...base, names: "any" }, { id })).toEqual({ id });
    expect(of({ ...base, names: ["acme"] }, { name: "acme" })).toEqual({ name: "acme" });
    expect(of({ ...base, name: "x" }, { name: "x" })).toEqual({ name: "x" });
  });

  test.each([
    [{ ...base, names: "any" }, {}, "invalid-request"],
    [{ ...base, names: "any" }, { name: "a", id }, "invalid-request"],
    [{ ...base, names: ["acme"] }, { name: "other" }, "source-not-found"],
    [{ ...base, names: ["acme"] }, { id }, "invalid-request"],
    [{ ...base, name: "x" }, { name: "y" }, "source-not-found"],
    [{ type: "d1", binding: "B" }, { name: "x" }, "invalid-request"],
  ] as [SourceConfig, { name?: string; id?: string }, string][])(
    "is refused: %j asked for %j",
    (config, request, code) => {
      expect(() => of(config, request)).toThrow(expect.objectContaining({ code }) as Error);
    },
  );
});
