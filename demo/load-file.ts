import { quoteIdentifier } from "../src/sqlite/identifier.ts";
import { SEQUENCE_TABLE } from "./schema.ts";
import type { LeftOut, Schema, Table } from "./schema.ts";
import { insertStatements, stageTableSql } from "./insert-statements.ts";
import { nameForMessage } from "./progress.ts";
import { readRows } from "./read-rows.ts";
import { exactValueExpression, sqlLiteral } from "./sql-literal.ts";
import type { ExactValue } from "./sql-literal.ts";
import type { SourceFile } from "./source-file.ts";
import { isRefusal, StatementBatch } from "./statement-batch.ts";
import type { Database } from "./statement-batch.ts";

/** The most ids in one statement, with at most 20 characters each. */
const IDS_MAX = 4_000;

/**
 * Writes everything in a database file into an empty database: tables with their rowids, indexes,
 * views, virtual tables, `sqlite_sequence` and triggers, and also rows that violate a CHECK or a
 * foreign key. A virtual table whose module the platform refuses is left out and named in the
 * result. Any other refusal throws `UnusableFile`, which names the object.
 */
export async function loadFile(
  source: SourceFile,
  database: Database,
  onRows: (rows: number) => void,
): Promise<LeftOut[]> {
  const { schema } = source;
  const batch = new StatementBatch(database, onRows);
  const stageTable = freeName("durable_export_demo_stage", schema);
  const rowsOf = (table: Table) =>
    insertStatements(source.db, table, { encoding: source.encoding, stageTable });
  const addObjects = async (type: string) => {
    for (const { type: found, name, sql } of schema.objects) {
      if (found === type) await batch.add(`${type} ${nameForMessage(name)}`, { sql, rows: 0 });
    }
    await batch.flush();
  };

  // A file may contain rows whose parent comes later or never, and rows that are older than their
  // CHECK.
  await database.query("PRAGMA foreign_keys = OFF");
  await database.query("PRAGMA ignore_check_constraints = ON");
  await database.query(stageTableSql(stageTable));
  const plain = schema.tables.filter(({ virtual }) => virtual === undefined);
  for (const { name, sql } of plain) await batch.add(describe(name), { sql, rows: 0 });
  for (const table of plain) await batch.addAll(describe(table.name), rowsOf(table));
  // After the rows, so that an index is built once; before a virtual table claims the name of one
  // of its shadow tables.
  await addObjects("index");
  await addObjects("view");
  const leftOut = [...schema.leftOut];
  for (const table of schema.tables) {
    if (table.virtual === undefined) continue;
    try {
      await database.query(table.sql);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      leftOut.push({ name: table.name, reason: `a Durable Object refuses it: ${error.detail}` });
      continue;
    }
    await batch.addAll(describe(table.name), ftsOptions(source, table));
    if (table.virtual.content === "rows") await batch.addAll(describe(table.name), rowsOf(table));
    await batch.addAll(describe(table.name), indexStatements(source, table));
    await batch.flush();
  }
  if (schema.tables.some(({ isCounted }) => isCounted)) {
    await batch.add("sqlite_sequence", { sql: "DELETE FROM sqlite_sequence", rows: 0 });
    for (const { sql } of rowsOf(SEQUENCE_TABLE)) {
      // Not part of the reported number of rows in the user's file.
      await batch.add("sqlite_sequence", { sql, rows: 0 });
    }
    await batch.flush();
  }
  // Last, so that none fires.
  await addObjects("trigger");
  await database.query(`DROP TABLE ${quoteIdentifier(stageTable)}`);
  await database.query("PRAGMA ignore_check_constraints = OFF");
  await database.query("PRAGMA foreign_keys = ON");
  return leftOut;
}

/** The options that FTS5 stores in its table, such as `rank`. */
function* ftsOptions({ db, encoding }: SourceFile, { name, virtual }: Table) {
  if (virtual?.module !== "fts5") return;
  const table = quoteIdentifier(name);
  const config = quoteIdentifier(`${name}_config`);
  const options = `SELECT ${exactValueExpression("k")}, ${exactValueExpression("v")} FROM ${config} WHERE k <> 'version'`;
  for (const row of readRows<ExactValue>(db, options)) {
    const values = row.map((value) => sqlLiteral(value, encoding));
    yield { sql: `INSERT INTO ${table}(${table}, rank) VALUES (${values.join(", ")})`, rows: 0 };
  }
}

/**
 * The statements that make an FTS5 index over another table index the same rows as the source's.
 */
function* indexStatements({ indexes }: SourceFile, { name, columns }: Table) {
  const state = indexes.get(name);
  if (state === undefined || state.unreadable !== undefined) return;
  const table = quoteIdentifier(name);
  yield { sql: `INSERT INTO ${table}(${table}) VALUES ('rebuild')`, rows: 0 };
  const values = ["rowid", ...columns.map((column) => quoteIdentifier(column.name))].join(", ");
  for (let at = 0; at < state.missing.length; at += IDS_MAX) {
    const ids = state.missing.slice(at, at + IDS_MAX).join(", ");
    const rows = `SELECT 'delete', ${values} FROM ${table} WHERE rowid IN (${ids})`;
    yield { sql: `INSERT INTO ${table}(${table}, ${values}) ${rows}`, rows: 0 };
  }
}

function describe(table: string): string {
  return `table ${nameForMessage(table)}`;
}

function freeName(wanted: string, { tables, objects }: Schema): string {
  const taken = new Set([...tables, ...objects].map(({ name }) => name.toLowerCase()));
  let name = wanted;
  while (taken.has(name)) name += "_";
  return name;
}
