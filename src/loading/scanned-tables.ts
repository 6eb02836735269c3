import { lowerAscii } from "../lib/ascii-case.ts";
import { viewOf } from "../lib/bytes.ts";
import type { StatementClass } from "./classify-statement.ts";
import type { CreateTable, ForeignKey } from "./create-table.ts";
import { addColumnText } from "./stage-sql.ts";

/** Tables are held in memory, so a script with more is refused. */
const TABLES_MAX = 10_000;

/** A table, as it is at one statement of the script. */
export interface ScannedTable {
  name: string;
  /** Its CREATE statement, including the columns that were added later. */
  sql: string;
  foreignKeys: ForeignKey[];
  isVirtual: boolean;
  /** False if its text is not known, or if it has rows that a staging table would lack. */
  isStageable: boolean;
}

/** The tables that a script has created so far. */
export class ScannedTables {
  /** By name in lower case. */
  readonly byName = new Map<string, ScannedTable>();
  /** Every name that a table has ever had, in lower case. */
  readonly everyName = new Set<string>();
  hasAutoincrement = false;

  find(name: string): ScannedTable | undefined {
    return this.byName.get(name);
  }

  /** Returns false if there are too many tables. */
  create(sql: string, { name, foreignKeys, isVirtual, ...found }: CreateTable): boolean {
    const lower = lowerAscii(name);
    this.hasAutoincrement ||= found.hasAutoincrement;
    this.everyName.add(lower);
    if (found.isConditional && this.byName.has(lower)) return true;
    this.byName.set(lower, { name, sql, foreignKeys, isVirtual, isStageable: true });
    return this.everyName.size <= TABLES_MAX;
  }

  drop(name: string): void {
    this.byName.delete(lowerAscii(name));
  }

  alter(text: Uint8Array, change: Extract<StatementClass, { kind: "alter-table" }>): void {
    const lower = lowerAscii(change.table);
    const table = this.byName.get(lower);
    if (table === undefined) return;
    if (change.renamedTo !== undefined) {
      const renamed = lowerAscii(change.renamedTo);
      this.byName.delete(lower);
      this.byName.set(renamed, { ...table, name: change.renamedTo });
      this.everyName.add(renamed);
      for (const { foreignKeys } of this.byName.values()) {
        for (const key of foreignKeys) if (key.parent === lower) key.parent = renamed;
      }
    } else if (change.columnAt === undefined) {
      this.byName.set(lower, { ...table, isStageable: false });
    } else {
      const column = viewOf(text).toString("utf8", change.columnAt).replace(/;$/, "");
      const foreignKeys = [...table.foreignKeys, ...change.foreignKeys];
      this.byName.set(lower, { ...table, sql: addColumnText(table.sql, column), foreignKeys });
    }
  }

  /** A table with rows is not staged: a later row might conflict with them, or get its rowid from theirs. */
  markWritten(name: string): void {
    const table = this.byName.get(name);
    if (table !== undefined) table.isStageable = false;
  }

  /** Returns a table in which a foreign key changes rows when `parent` changes. */
  findActingChild(parent: string): string | undefined {
    const lower = lowerAscii(parent);
    if (!this.byName.has(lower)) return undefined;
    for (const { name, foreignKeys } of this.byName.values()) {
      if (foreignKeys.some((key) => key.parent === lower && key.hasAction)) return name;
    }
    return undefined;
  }
}
