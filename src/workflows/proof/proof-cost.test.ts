import { expect, test } from "vitest";

import type { Table } from "../../sqlite/catalog.ts";
import { estimateCosts, requireAffordable, requireAffordableRows } from "./proof-cost.ts";

function makeTable(name: string, kind: Table["kind"], origins: ("c" | "u" | "pk")[]): Table {
  const indexes = origins.map((origin) => ({ origin }));
  return { name, kind, indexes } as unknown as Table;
}

test("counts each row and its index entries", () => {
  const tables = [
    makeTable("plain", "rowid", []),
    makeTable("indexed", "rowid", ["c", "u", "pk"]),
    makeTable("itself", "without-rowid", ["pk", "c"]),
  ];
  const rows = [
    { table: "plain", rows: 10 },
    { table: "indexed", rows: 100 },
  ];
  expect(estimateCosts(tables, rows)).toEqual([
    { name: "plain", rows: 10, rowsWrittenPerRow: 1 },
    { name: "indexed", rows: 100, rowsWrittenPerRow: 4 },
    { name: "itself", rows: 0, rowsWrittenPerRow: 2 },
  ]);
});

test("refuses a database that writes more rows than a deployment allows", () => {
  const costs = [
    { name: "a", rows: 10, rowsWrittenPerRow: 1 },
    { name: "b", rows: 100, rowsWrittenPerRow: 3 },
  ];
  expect(() => requireAffordable(costs, 310)).not.toThrow();
  expect(() => requireAffordable(costs, 309)).toThrow(
    "proving this database by a restore writes about 310 rows, index entries included, " +
      "and EXPORT_PROOF_ROWS_MAX allows 309",
  );
  expect(() => requireAffordableRows(2, 1)).toThrow("about 2 rows");
});
