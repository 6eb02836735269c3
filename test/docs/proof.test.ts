import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { DOLLARS } from "../../bench/costs.ts";
import { PROOF_ROWS_DEFAULT } from "../../src/api/limits.ts";

const docs = readFileSync(new URL("../../docs/proof.md", import.meta.url), "utf8");

const INDEXES: Record<string, number> = { "no index": 0, "two indexes": 2 };

/** Proofs in 30 nightly runs, of which every seventh is proved, the first one included. */
const PROOFS_OF_30 = Math.ceil(30 / 7);

test("docs/proof.md computes the cost of its examples", () => {
  const rows = [...docs.matchAll(/^\| [\d,]+ [MG]B, ([\d,]+) rows, ([\w ]+?) +\|(.*)\|$/gm)];
  expect(rows).toHaveLength(5);
  for (const [, count = "", indexes = "", cells = ""] of rows) {
    const written = Number(count.replaceAll(",", "")) * (1 + (INDEXES[indexes] ?? NaN));
    const dollars = [1, 30, PROOFS_OF_30].map((proofs) => written * proofs * DOLLARS.rowWritten);
    expect(cells.split("|").map((cell) => cell.trim())).toEqual([
      written.toLocaleString("en"),
      ...dollars.map((each) => `$${each.toFixed(2)}`),
    ]);
  }
});

test("docs/proof.md has the default of EXPORT_PROOF_ROWS_MAX and its price", () => {
  const price = PROOF_ROWS_DEFAULT * DOLLARS.rowWritten;
  expect(docs).toContain(
    `(${PROOF_ROWS_DEFAULT.toLocaleString("en")} by default, which is $${price})`,
  );
});
