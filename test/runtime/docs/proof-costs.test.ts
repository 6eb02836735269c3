import { expect, test } from "vitest";

import { ended, query, startExport } from "../../support/api.ts";

/** What a proof writes apart from rows and index entries: its position, with each turn. */
const OWN_ROWS_MAX = 40;

test.each([
  ["no index", [], 1],
  ["two indexes", ["CREATE INDEX i ON t (a)", "CREATE INDEX j ON t (b)"], 3],
])("a proof of a table with %s writes the rows of docs/proof.md", async (_, indexes, each) => {
  const rows = 1_000;
  await query(
    "DROP TABLE IF EXISTS t",
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)",
    `INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
     SELECT i, i * 7, i * 9 FROM n`,
    ...indexes,
  );
  const { proof } = await ended((await startExport({ verify: "restore" })).jobId);
  expect(proof).toMatchObject({ state: "proved", rows });
  expect(proof.rowsWritten).toBeGreaterThanOrEqual(rows * each);
  expect(proof.rowsWritten).toBeLessThanOrEqual(rows * each + OWN_ROWS_MAX);
});
