import { PassThrough } from "node:stream";

import { describe, expect, test } from "vitest";

import { fitLine } from "./progress.ts";
import { Secrets } from "./secrets.ts";
import { Terminal } from "./terminal.ts";

const PARTS = ["1 min 5 s left", "64.0 MB", "40.1 MB/s", "120,000 rows", "3 of 9 tables"];

describe("a progress line", () => {
  test.each([20, 40, 60, 80, 100, 120, 200])("fits %i columns", (columns) => {
    const line = fitLine({ label: "downloading", percent: 41.9, parts: PARTS }, columns);
    expect(line.length).toBeLessThan(columns);
    expect(line).toContain("41%");
  });

  test("keeps percent and time left at 40 columns", () => {
    const line = fitLine({ label: "exporting", percent: 99.9, parts: PARTS }, 40);
    expect(line).toContain("99%");
    expect(line).toContain("1 min 5 s left");
  });

  test("shows everything at 120 columns", () => {
    const line = fitLine({ label: "exporting", percent: 5, parts: PARTS }, 120);
    for (const part of PARTS) expect(line).toContain(part);
    expect(line).toContain("█");
  });

  test("shows neither a bar nor a percentage if none is known", () => {
    const line = fitLine({ label: "exporting", percent: null, parts: ["queued"] }, 80);
    expect(line).not.toMatch(/[%░█]/);
    expect(line).toContain("queued");
  });
});

test("a dumb terminal gets no cursor codes", () => {
  const shown = show({ TERM: "dumb" });
  expect(shown).not.toContain("\u001b");
});

test("a terminal gets one line that it redraws", () => {
  expect(show({ TERM: "xterm" })).toContain("\u001b");
});

/** What a terminal receives from a short piece of work. */
function show(env: Record<string, string>): string {
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const terminal = new Terminal({ stdout: new PassThrough(), stderr, env }, new Secrets(), "human");
  const progress = terminal.startProgress("exporting");
  progress.update(50, PARTS);
  terminal.clearProgress();
  return String(stderr.read() ?? "");
}
