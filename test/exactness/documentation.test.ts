import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { TRAPS } from "../support/traps.ts";

test("docs/exactness.md names every trap by its test's title, in the order of the tests", () => {
  const text = readFileSync(new URL("../../docs/exactness.md", import.meta.url), "utf8");
  const table = text.slice(text.indexOf("## Traps"), text.indexOf("## Refused"));
  const titles = table
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| (trap |-)/.test(line))
    .map((line) => (line.split("|")[1] ?? "").trim().replaceAll("\\_", "_"));
  expect(titles).toEqual(TRAPS.map((trap) => trap.title));
});

test("README.md counts the traps", () => {
  const text = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  expect(text).toContain(`${TRAPS.length} traps tested`);
});
