import type { DatabaseSync } from "node:sqlite";
import { quoteIdentifier } from "../src/sqlite/identifier.ts";
import { openDatabaseFile } from "../cli/database-file.ts";
import type { DatabaseFile } from "../cli/database-file.ts";
import { nameForMessage } from "./progress.ts";
import { readSchema } from "./schema.ts";
import type { Schema, Table } from "./schema.ts";
import { readIndexState } from "./search-index.ts";
import type { IndexState } from "./search-index.ts";
import { listProblems, ROW_BYTES_MAX } from "./source-problems.ts";
import { readEncoding } from "./sql-literal.ts";
import type { TextEncodingName } from "./sql-literal.ts";
import { toUnusableFile, UnusableFile } from "../cli/unusable-file.ts";

const PROBLEMS_SHOWN_MAX = 10;

export interface SourceFile extends DatabaseFile {
  path: string;
  encoding: TextEncodingName;
  schema: Schema;
  /** The number of rows in each table that has its own content, by table name. */
  rowCounts: Map<string, number>;
  /** The state of each FTS5 index over another table, by its name. */
  indexes: Map<string, IndexState>;
}

/**
 * Opens a database file for reading and keeps it at this instant (a read transaction), so that
 * loading and comparing see the same rows. Throws `UnusableFile` if the file does not exist, is not
 * a database, or contains something that a Durable Object cannot hold.
 */
export async function openSourceFile(path: string): Promise<SourceFile> {
  const file = await openDatabaseFile(path);
  try {
    file.db.exec("BEGIN");
    const encoding = readEncoding(file.db);
    const schema = readSchema(file.db);
    const problems = listProblems(schema);
    // A table that cannot be used may not be readable.
    if (problems.length > 0) throw new UnusableFile(describeProblems(path, problems));
    const rowCounts = new Map<string, number>();
    const indexes = new Map<string, IndexState>();
    for (const table of schema.tables) {
      const { name, virtual } = table;
      if (virtual?.content === "rebuild") indexes.set(name, readIndexState(file.db, name));
      if (virtual !== undefined && virtual.content !== "rows") continue;
      const { rows, widest } = measureRows(file.db, table, encoding);
      rowCounts.set(name, rows);
      if (widest <= ROW_BYTES_MAX) continue;
      problems.push(
        `table ${nameForMessage(name)} has a row of ${widest} bytes (at most ${ROW_BYTES_MAX})`,
      );
    }
    if (problems.length > 0) throw new UnusableFile(describeProblems(path, problems));
    return { ...file, path, encoding, schema, rowCounts, indexes };
  } catch (error) {
    file.close();
    throw toUnusableFile(path, error);
  }
}

/** The number of rows in all tables that have their own content. */
export function totalRows({ rowCounts }: SourceFile): number {
  return [...rowCounts.values()].reduce((sum, rows) => sum + rows, 0);
}

/** Returns how many rows a table has, and the size of its largest one in bytes of UTF-8. */
function measureRows(
  db: DatabaseSync,
  table: Table,
  encoding: TextEncodingName,
): { rows: number; widest: number } {
  const sizes = table.columns
    .filter(({ stored }) => stored)
    .map(({ name }) => `coalesce(${sizeExpression(quoteIdentifier(name), encoding)}, 0)`);
  const { rows, widest } = db
    .prepare(
      `SELECT count(*) AS rows, max(${sizes.join(" + ")}) AS widest FROM ${quoteIdentifier(table.name)}`,
    )
    .get() as { rows: number; widest: number | null };
  return { rows, widest: widest ?? 0 };
}

function sizeExpression(column: string, encoding: TextEncodingName): string {
  const size = `octet_length(${column})`;
  if (encoding === "UTF-8") return size;
  // JSONB is UTF-8 in every database.
  return `iif(typeof(${column}) = 'text', octet_length(jsonb_array(${column})), ${size})`;
}

function describeProblems(path: string, problems: string[]): string {
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).map((problem) => `\n  - ${problem}`);
  const more = problems.length - shown.length;
  if (more > 0) shown.push(`\n  - and ${more} more`);
  return `${path} contains what a Durable Object cannot hold:${shown.join("")}`;
}
