import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unstable_readConfig as readConfig } from "wrangler";
import { afterEach, expect, test, vi } from "vitest";

import { ROWS } from "../../bench/costs.ts";
import * as limits from "../../src/api/limits.ts";
import { EXAMPLES, exampleRow, limitText, PRICE_ROWS } from "../support/cost-examples.ts";

/** With one space wherever the formatter has aligned something. */
const docs = readFileSync(
  new URL("../../docs/limits-and-costs.md", import.meta.url),
  "utf8",
).replaceAll(/\s+/g, " ");

const { KIB: _kib, MIB: _mib, ...named } = limits;

test.each(Object.entries(named))(
  "docs/limits-and-costs.md has the limit %s as it is",
  (name, value) => {
    expect(docs).toContain(`| ${limitText(name, value)} | \`${name}\` |`);
  },
);

test("docs/limits-and-costs.md names no limit that is gone", () => {
  const found = [...docs.matchAll(/\| `([A-Z_]+)` \|/g)].map(([, name]) => name ?? "");
  expect(found.filter((name) => !Object.hasOwn(named, name))).toEqual([]);
});

test.each([...PRICE_ROWS, ...EXAMPLES.map(exampleRow)])(
  "docs/limits-and-costs.md reckons: %s",
  (row) => {
    expect(docs).toContain(row);
  },
);

test("docs/limits-and-costs.md says of rows what costs are reckoned with", () => {
  const sentences = [
    `${ROWS.readARow} for each row, and ${ROWS.readAPage} for each page`,
    `written up to ${ROWS.readAWrittenRow} for each row, from the first change on`,
    `${ROWS.readAKeyedRow} for each row, ${ROWS.readAWrittenKeyedRow} once it is written`,
    `and ${ROWS.readAKeyedPage} for each page: its pages`,
    `to open a snapshot ${ROWS.writtenToOpen}, and ${ROWS.writtenToWatch} for each table`,
    `${ROWS.writtenAChange} more than the change itself`,
    `${ROWS.writtenAJob} for a job, ${ROWS.writtenAChunk} for each chunk`,
  ];
  for (const sentence of sentences) expect(docs).toContain(sentence);
});

afterEach(() => vi.restoreAllMocks());

test("docs/limits-and-costs.md has the most steps that wrangler lets `limits.steps` be", () => {
  const folder = mkdtempSync(join(tmpdir(), "steps-"));
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const warningsAt = (steps: number): string => {
    const config = join(folder, "wrangler.json");
    const workflow = { name: "w", binding: "W", class_name: "W", limits: { steps } };
    writeFileSync(config, JSON.stringify({ name: "w", workflows: [workflow] }));
    readConfig({ config });
    const text = warn.mock.calls.flat().join("\n");
    warn.mockClear();
    return text;
  };
  try {
    expect(warningsAt(25_000)).toBe("");
    expect(warningsAt(25_001)).toContain("exceeds the production maximum of 25,000");
    expect(docs).toContain("| 10,000 steps, 25,000 by `limits.steps`; 1,024 on the free plan |");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("README.md shows the first example's costs of a month", () => {
  const [first] = EXAMPLES;
  const [, nights, kept] = (first && exampleRow(first).match(/\$[\d.]+/g)) ?? [];
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  expect(readme.replaceAll(/\s+/g, " ")).toContain(`about ${nights} a month, and ${kept} if`);
});
