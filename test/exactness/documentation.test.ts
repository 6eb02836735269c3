import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { TRAPS } from "../support/traps.ts";

test("docs/exactness.md names every trap by its test's title, in the order of the tests", () => {
  const text = readFileSync(new URL("../../docs/exactness.md", import.meta.url), "utf8");
  const table = text.slice(text.indexOf("## Appendix: every trap"));
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

test("docs/exactness.md starts with a table that fits a screen: cells are words or numbers", () => {
  const text = readFileSync(new URL("../../docs/exactness.md", import.meta.url), "utf8");
  const table = text.slice(0, text.indexOf("## ")).split("\n");
  const rows = table.filter((line) => line.startsWith("| ")).map((line) => line.split("|"));
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.length).toBeLessThan(16);
  const cells = rows.map((row) => row.slice(1, -1).map((cell) => cell.trim()));
  expect(cells.filter((row) => row.length > 5)).toEqual([]);
  expect(cells.flat().filter((cell) => cell.split(" ").length > 5 || cell === "")).toEqual([]);
});
