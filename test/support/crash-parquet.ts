import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

import type { JobView } from "../../src/api/job-view.ts";
import { readCatalog } from "../../src/reading/read-catalog.ts";
import type { KilledWorker } from "./killed-worker.ts";
import { nodeSqliteSource } from "./node-sqlite-source.ts";
import { openObjects } from "./object-files.ts";
import { ParquetReader, sqliteRows } from "./read-parquet.ts";

/** Rows of about 1.3 kB: three groups. */
const SAMPLES = 20_000;

/** Creates a table of all types that nobody writes to, with values that only `other_values` can contain. */
export const SAMPLE_STATEMENTS = [
  "CREATE TABLE samples(id INTEGER PRIMARY KEY, whole INTEGER, share REAL, name TEXT, photo BLOB, mixed)",
  `INSERT INTO samples WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${SAMPLES})
   SELECT i, random(), random() / 7.0, 'größe ' || hex(randomblob(300)), randomblob(600),
     CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN i WHEN 2 THEN i / 7.0 WHEN 3 THEN CAST(X'61FF' AS TEXT)
     ELSE 'text ' || i END FROM n`,
];

/** A bank's files, and the database that they are of, which has moved on. */
interface Bank {
  db: DatabaseSync;
  reader: ParquetReader;
  /** By table. */
  files: ReadonlyMap<string, Buffer>;
  accounts: number;
  balance: number;
}

/**
 * Returns what is wrong with the Parquet files of a bank: each must be what the job promises, DuckDB must read it, and
 * the rows must be those of the source at one instant. `state` is the folder of the local state.
 */
export async function inspectParquet(
  worker: KilledWorker,
  { view, state, ...bank }: { view: JobView; state: string } & Pick<Bank, "accounts" | "balance">,
): Promise<string[]> {
  const problems: string[] = [];
  const files = new Map<string, Buffer>();
  for (const { name, table, sha256 } of view.artifacts) {
    const path = `/export/dump/${view.jobId}/download/${encodeURIComponent(name)}`;
    const bytes = await worker.download(path);
    if (createHash("sha256").update(bytes).digest("hex") !== sha256) {
      problems.push(`the download of ${name} has another SHA-256`);
    }
    files.set(table ?? name, bytes);
  }
  const objects = openObjects(state, "durable-export-Database", { readOnly: true });
  const db = objects.get("sql-durable-object");
  const reader = await ParquetReader.open();
  try {
    if (db === undefined) throw new Error("the source has no file");
    const all = { db, reader, files, ...bank };
    problems.push(
      ...(await compareAccounts(all)),
      ...(await compareSamples(all)),
      ...(await countGroups(all)),
    );
  } finally {
    reader.close();
    for (const each of objects.values()) each.close();
  }
  return problems;
}

/**
 * The ledger only grows, so its file contains the source's first rows. They and the file's balances must be of the same
 * instant.
 */
async function compareAccounts({ db, reader, files, ...bank }: Bank): Promise<string[]> {
  const problems: string[] = [];
  const ledger = await reader.query(
    fileOf(files, "ledger"),
    "SELECT n, debit, credit, amount FROM FILE ORDER BY n",
  );
  const written = db
    .prepare("SELECT n, debit, credit, amount FROM ledger ORDER BY n LIMIT ?")
    .all(ledger.length)
    .map((row) => Object.values(row).map(String));
  const isSame = written.every((row, at) => row.join() === ledger[at]?.join());
  if (!isSame || written.length !== ledger.length) {
    problems.push(`the ${ledger.length} rows of the ledger's file are not the source's first`);
  }
  const moved = new Map<number, number>();
  const move = (id: unknown, amount: number): unknown =>
    moved.set(Number(id), (moved.get(Number(id)) ?? 0) + amount);
  for (const [, debit, credit, amount] of ledger) {
    move(debit, -Number(amount));
    move(credit, Number(amount));
  }
  const accounts = await reader.query(
    fileOf(files, "accounts"),
    "SELECT id, balance, note FROM FILE ORDER BY id",
  );
  if (accounts.length !== bank.accounts) problems.push(`there are ${accounts.length} accounts`);
  const wrong = accounts.filter(
    ([id, balance]) => Number(balance) !== bank.balance + (moved.get(Number(id)) ?? 0),
  );
  if (wrong.length > 0) {
    problems.push(`${wrong.length} accounts disagree with the ledger of the same files`);
  }
  const notes = db.prepare("SELECT id, note FROM accounts ORDER BY id").all();
  const others = notes.filter(({ id, note }, at) => {
    const [sameId, , sameNote] = accounts[at] ?? [];
    return Number(sameId) !== Number(id) || sameNote !== note;
  });
  if (others.length > 0) problems.push(`${others.length} accounts have other notes`);
  return problems;
}

/** Compares every value of the table that nobody has written to. */
async function compareSamples({ db, reader, files }: Bank): Promise<string[]> {
  const { tables } = await readCatalog(nodeSqliteSource(db));
  const table = tables.find(({ name }) => name === "samples");
  if (table === undefined) throw new Error("the source has no samples");
  const expected = sqliteRows(db, table);
  const columns = table.columns.map(({ name }) => name);
  const { rows } = await reader.read(fileOf(files, "samples"), columns);
  const wrong = expected.filter((row, at) => row.join() !== rows[at]?.join());
  return wrong.length === 0 && rows.length === expected.length
    ? []
    : [`${wrong.length} of ${expected.length} samples differ, and ${rows.length} were read`];
}

/** A file of one group would show nothing about resuming. */
async function countGroups({ reader, files }: Bank): Promise<string[]> {
  const problems: string[] = [];
  for (const table of ["accounts", "samples"]) {
    const [[groups] = []] = await reader.query(
      fileOf(files, table),
      "SELECT count(DISTINCT row_group_id) FROM parquet_metadata(FILE)",
    );
    if (!(Number(groups) > 1)) problems.push(`the file of ${table} has ${String(groups)} groups`);
  }
  return problems;
}

function fileOf(files: Bank["files"], table: string): Buffer {
  const bytes = files.get(table);
  if (bytes === undefined) throw new Error(`there is no file of ${table}`);
  return bytes;
}
