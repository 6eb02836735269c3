import { DatabaseSync } from "node:sqlite";
import { oneLine } from "../cli/format.ts";
import { quoteIdentifier } from "../src/sqlite/identifier.ts";
import { insertHead } from "./insert-statements.ts";
import { nameForMessage } from "./progress.ts";
import type { Schema } from "./schema.ts";

/** Cloudflare's documented limits of a Durable Object's SQLite. */
export const ROW_BYTES_MAX = 2_000_000;
const STATEMENT_BYTES_MAX = 100_000;
const TABLE_COLUMNS_MAX = 100;
/** Leaves an INSERT space for a row whose values are all staged. */
const HEAD_BYTES_MAX = 80_000;

/**
 * What a Durable Object cannot hold in a schema, one sentence each; empty if it can hold
 * everything.
 */
export function listProblems(schema: Schema): string[] {
  return [...nameProblems(schema), ...lengthProblems(schema), ...definitionProblems(schema)];
}

function* nameProblems({ tables, objects }: Schema): Generator<string> {
  for (const { name } of [...tables, ...objects]) {
    if (/^_cf_|^__miniflare_do_name$/i.test(name))
      yield `the name ${nameForMessage(name)} is reserved`;
  }
}

function* lengthProblems({ tables, objects }: Schema): Generator<string> {
  for (const { name, sql } of [...tables, ...objects]) {
    const bytes = Buffer.byteLength(sql);
    if (bytes <= STATEMENT_BYTES_MAX) continue;
    yield `the CREATE statement of ${nameForMessage(name)} has ${bytes} bytes (at most ${STATEMENT_BYTES_MAX})`;
  }
  for (const table of tables) {
    const { length } = table.columns;
    const headBytes = Buffer.byteLength(insertHead(table));
    if (length > TABLE_COLUMNS_MAX) {
      yield `table ${nameForMessage(table.name)} has ${length} columns (at most ${TABLE_COLUMNS_MAX})`;
    } else if (headBytes > HEAD_BYTES_MAX) {
      yield `the names of table ${nameForMessage(table.name)} and its columns have ${headBytes} bytes (at most ${HEAD_BYTES_MAX})`;
    }
  }
}

/**
 * The program that created a file may have added its own collations and functions. SQLite reports
 * that they are missing when it creates a table or index, or prepares a statement that reads or
 * writes it.
 */
function* definitionProblems({ tables, objects }: Schema): Generator<string> {
  const db = new DatabaseSync(":memory:", {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
  });
  const problem = (type: string, name: string, sql: string, uses: string[] = []) => {
    try {
      db.exec(sql);
      for (const use of uses) db.prepare(use);
      return [];
    } catch (error) {
      const { message } = error as Error;
      // The table's own problem is listed already.
      if (message.startsWith("no such table")) return [];
      return [`${type} ${nameForMessage(name)} cannot be used: ${oneLine(message)}`];
    }
  };
  try {
    for (const { name, sql, virtual } of tables) {
      if (virtual !== undefined) continue;
      const table = quoteIdentifier(name);
      const uses = [`SELECT * FROM ${table}`, `INSERT INTO ${table} DEFAULT VALUES`];
      yield* problem("table", name, sql, uses);
    }
    for (const { type, name, sql } of objects) {
      if (type === "index") yield* problem(type, name, sql);
    }
  } finally {
    db.close();
  }
}
