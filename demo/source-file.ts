import { closeSync, openSync, readSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { quoteName } from "./sql-literal.ts";
import type { TextEncodingName } from "./sql-literal.ts";
import { readSchema } from "./schema.ts";
import type { Schema, Table } from "./schema.ts";

/** A file that cannot be used; the message is for the reader of the terminal. */
export class UnusableFile extends Error {
  override name = "UnusableFile";
}

/** Cloudflare's documented limits of a Durable Object's SQLite. */
const VALUE_BYTES_MAX = 2_000_000;
const STATEMENT_BYTES_MAX = 100_000;
const TABLE_COLUMNS_MAX = 100;

export interface SourceFile {
  path: string;
  bytes: number;
  db: DatabaseSync;
  encoding: TextEncodingName;
  schema: Schema;
  /** Rows of each table that has content of its own, by table name. */
  rowCounts: Map<string, number>;
}

/**
 * Opens a database file for reading and keeps it at this instant (a read transaction), so that
 * loading and comparing see the same rows. Throws `UnusableFile` where there is no such file, it
 * is no database, or it holds what a Durable Object cannot.
 */
export function openSourceFile(path: string): SourceFile {
  const bytes = checkHeader(path);
  const db = new DatabaseSync(path, {
    readOnly: true,
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
  });
  try {
    db.exec("BEGIN");
    const schema = readSchema(db);
    const rowCounts = new Map<string, number>();
    const problems = [...nameProblems(schema), ...statementProblems(schema)];
    for (const table of schema.tables) {
      if (table.columns.length > TABLE_COLUMNS_MAX) {
        problems.push(
          `table ${table.name} has ${table.columns.length} columns (at most ${TABLE_COLUMNS_MAX})`,
        );
      } else if (table.virtual === undefined || table.virtual.content === "rows") {
        rowCounts.set(table.name, countRows(db, table, problems));
      }
    }
    if (problems.length > 0) throw new UnusableFile(describeProblems(path, problems));
    const { encoding } = db.prepare("PRAGMA encoding").get() as { encoding: TextEncodingName };
    return { path, bytes, db, encoding, schema, rowCounts };
  } catch (error) {
    db.close();
    if (error instanceof UnusableFile) throw error;
    throw new UnusableFile(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function checkHeader(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new UnusableFile(`${path} does not exist`);
  if (!stat.isFile()) throw new UnusableFile(`${path} is not a file`);
  const header = Buffer.alloc(16);
  const file = openSync(path, "r");
  readSync(file, header);
  closeSync(file);
  // SQLite opens an empty file as an empty database.
  if (stat.size > 0 && header.toString("latin1") !== "SQLite format 3\0") {
    throw new UnusableFile(`${path} is not an SQLite database (or it is an encrypted one)`);
  }
  return stat.size;
}

function* nameProblems({ tables, objects }: Schema): Generator<string> {
  for (const { name } of [...tables, ...objects]) {
    if (/^(?:_cf_|__miniflare|tmp_export_)/i.test(name)) yield `the name ${name} is reserved`;
  }
}

function* statementProblems({ tables, objects }: Schema): Generator<string> {
  for (const { name, sql } of [...tables, ...objects]) {
    const bytes = Buffer.byteLength(sql);
    if (bytes <= STATEMENT_BYTES_MAX) continue;
    yield `the CREATE statement of ${name} has ${bytes} bytes (at most ${STATEMENT_BYTES_MAX})`;
  }
}

function countRows(db: DatabaseSync, table: Table, problems: string[]): number {
  const sizes = table.columns
    .filter(({ stored }) => stored)
    .map(({ name }) => `coalesce(octet_length(${quoteName(name)}), 0)`);
  const { rows, widest } = db
    .prepare(
      `SELECT count(*) AS rows, max(${sizes.join(" + ")}) AS widest FROM ${quoteName(table.name)}`,
    )
    .get() as { rows: number; widest: number | null };
  if (widest !== null && widest > VALUE_BYTES_MAX) {
    problems.push(`table ${table.name} has a row of ${widest} bytes (at most ${VALUE_BYTES_MAX})`);
  }
  return rows;
}

function describeProblems(path: string, problems: string[]): string {
  const shown = problems.slice(0, 10).map((problem) => `\n  - ${problem}`);
  if (problems.length > 10) shown.push(`\n  - and ${problems.length - 10} more`);
  return `${path} holds what a Durable Object cannot:${shown.join("")}`;
}
