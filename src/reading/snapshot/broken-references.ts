import { hasParentKey, listForeignKeys } from "../../sqlite/parent-key.ts";
import { lowerAscii } from "../../lib/ascii-case.ts";
import type { Catalog } from "../../sqlite/catalog.ts";

/**
 * Tables into which no trigger may be put that fires on INSERT, each with the table that refers to it.
 * A foreign key refers to columns of theirs that no UNIQUE index or PRIMARY KEY covers. SQLite refuses
 * most writes of such a parent ("foreign key mismatch"), but lets single rows in, since a new parent
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
