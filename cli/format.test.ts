import { expect, test } from "vitest";

import { parseDurationMs } from "./duration.ts";
import {
  formatBytes,
  formatMoreDiffer,
  formatQueued,
  formatRecord,
  formatSeconds,
  formatTable,
  oneLine,
  shorten,
} from "./format.ts";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.00 kB"],
  [12_345, "12.3 kB"],
  [999_600, "1.00 MB"],
  [10_000_000_000, "10.0 GB"],
])("%d bytes are %j", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0.2, "0 s"],
  [59, "59 s"],
  [62, "1 min 2 s"],
  [3_723, "1 h 2 min"],
])("%d seconds are %j", (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test.each([
  ["90s", 90_000],
  ["30m", 1_800_000],
  ["30", 1_800_000],
  ["1.5h", 5_400_000],
  ["1d", 86_400_000],
])("%j lasts %d ms", (text, ms) => {
  expect(parseDurationMs(text, "--timeout")).toBe(ms);
});

test.each(["", "0", "-1m", "1w", "1m30s", "m"])("%j is not a duration", (text) => {
  expect(() => parseDurationMs(text, "--timeout")).toThrow(/^--timeout: .* is not a duration/);
});

test("aligns numbers right and text left", () => {
  expect(
    formatTable(
      ["NAME", "ROWS"],
      [
        ["a", "1,000"],
        ["long name", "2"],
      ],
      80,
    ),
  ).toBe("NAME        ROWS\na          1,000\nlong name      2");
});

test("a table fits the terminal: long cells of the first column are cut", () => {
  const rows = [
    ["t".repeat(100), "1,000,000"],
    ["short", "2"],
  ];
  const lines = formatTable(["TABLE", "ROWS"], rows, 80).split("\n");
  expect(lines.map((line) => line.length)).toEqual([80, 80, 80]);
  expect(lines[1]).toBe(`${"t".repeat(68)}…  1,000,000`);
  expect(formatTable(["TABLE", "ROWS"], rows, Infinity)).toContain("t".repeat(100));
});

test("the lines of a record fit 80 columns, whatever the names are", () => {
  const headline = `${"0".repeat(36)}  completed`;
  expect(formatRecord(headline, ["main", "sql"])).toBe(`${headline}\n  main, sql`);
  const details = ["copies", `object id ${"a".repeat(64)}`, "replace", "b".repeat(200)];
  expect(formatRecord(headline, details)).toBe(
    `${headline}\n  copies,\n  object id ${"a".repeat(64)},\n  replace,\n  ${"b".repeat(76)}…`,
  );
  for (const line of formatRecord(headline, details).split("\n")) {
    expect(line.length).toBeLessThanOrEqual(80);
  }
});

test("takes what drives a terminal out of other people's text", () => {
  expect(oneLine("a\u001b[31mb\r\nc\u0007")).toBe("a [31mb c");
});

test("a text that is cut stays well-formed", () => {
  expect(shorten("four", 4)).toBe("four");
  expect(shorten("fours", 4)).toBe("four…");
  expect(shorten("\u{1F600}\u{1F600}", 3)).toBe("\u{1F600}\uFFFD…");
});

test.each([
  [0, ""],
  [1, " (and 1 more table differs)"],
  [1_234, " (and 1,234 more tables differ)"],
])("%d more differences are %j", (count, text) => {
  expect(formatMoreDiffer(count, "table")).toBe(text);
});

test("a queued job shows its number in the queue, unless it is started", () => {
  expect(formatQueued(1_200)).toBe("queued, number 1,200 in the queue");
  expect(formatQueued(null)).toBe("queued");
});
