import { hasParentKey, listForeignKeys } from "../../sqlite/parent-key.ts";
import { lowerAscii } from "../../lib/ascii-case.ts";
import type { Catalog } from "../../sqlite/catalog.ts";

/**
 * Returns the tables that must not get a trigger on INSERT, each with the table that references it.
 * A foreign key references columns that no UNIQUE index or PRIMARY KEY covers. SQLite refuses most
 * writes to such a parent ("foreign key mismatch"), but accepts single rows, since a new parent
 * breaks no reference. A table with an INSERT trigger loses that exception, and each insert fails.
 */
export function findBrokenParents(catalog: Catalog): ReadonlyMap<string, string> {
  const broken = new Map<string, string>();
  const parents = new Map(catalog.tables.map((table) => [lowerAscii(table.name), table]));
  for (const child of catalog.tables) {
    for (const columns of listForeignKeys(child)) {
      const parent = parents.get(lowerAscii(columns[0]?.parent ?? ""));
      if (parent === undefined || parent.kind === "virtual") continue;
      if (hasParentKey(parent, columns) || broken.has(parent.name)) continue;
      broken.set(parent.name, child.name);
    }
  }
  return broken;
}
