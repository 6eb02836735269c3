import { DatabaseSync } from "node:sqlite";
import { quoteIdentifier } from "../src/sqlite/identifier.ts";

/**
 * The origin of a virtual table's content: `rows` are inserted, `rebuild` reads another table, and
 * with `none` there is nothing to read back (contentless FTS5) or to write (fts5vocab).
 */
export type VirtualContent = "rows" | "rebuild" | "none";

/** How a virtual table's module interprets its definition. */
export interface VirtualTable {
  content: VirtualContent;
  /** The shadow tables that the module creates. */
  shadowTables: string[];
}

/**
 * Does not parse the definition: it creates the table in an empty database and observes what the
 * module does. A definition that needs something else in its database has no shadow tables here.
 */
export function probeVirtualTable(
  { name, sql }: { name: string; sql: string },
  module: string,
): VirtualTable {
  const db = new DatabaseSync(":memory:", { enableDoubleQuotedStringLiterals: true });
  try {
    db.exec(sql);
    const shadows = db.prepare("SELECT name FROM sqlite_schema WHERE name <> ?").all(name);
    return {
      content: probeContent(db, name, module),
      shadowTables: shadows.map((row) => String(row["name"])),
    };
  } catch {
    return { content: module === "fts5vocab" ? "none" : "rows", shadowTables: [] };
  } finally {
    db.close();
  }
}

function probeContent(db: DatabaseSync, name: string, module: string): VirtualContent {
  if (module === "fts5vocab") return "none";
  if (module !== "fts5") return "rows";
  const table = quoteIdentifier(name);
  const columns = db
    .prepare("SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1")
    .all(name)
    .map((row) => quoteIdentifier(String(row["name"])));
  const values = columns.map(() => "'a'").join(", ");
  db.exec(`INSERT INTO ${table}(rowid, ${columns.join(", ")}) VALUES (1, ${values})`);
  try {
    const row = db.prepare(`SELECT ${columns.join(", ")} FROM ${table} WHERE rowid = 1`).get();
    return Object.values(row ?? { none: null }).includes(null) ? "none" : "rows";
  } catch (error) {
    // Its content is in a table that this database does not have.
    return (error as Error).message.includes("no such table") ? "rebuild" : "none";
  }
}
