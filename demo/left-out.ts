import type { DatabaseSync } from "node:sqlite";
import { formatNumberOf } from "../cli/format.ts";
import { readIndexTotals } from "../cli/restored-indexes.ts";
import { quoteIdentifier, quoteText } from "../src/sqlite/identifier.ts";
import type { LeftOut } from "./schema.ts";
import type { IndexState } from "./search-index.ts";
import type { SourceFile } from "./source-file.ts";

/** Numbers that programs store in a file's header, outside its tables. */
const HEADER_NUMBERS = ["user_version", "application_id"];

/** How SQLite stores the file, which no table shows. */
const FILE_SETTINGS = ["encoding", "page_size", "auto_vacuum", "journal_mode"];

const STATISTICS = ["sqlite_stat1", "sqlite_stat3", "sqlite_stat4"];

/**
 * Lists the parts of a file that no dump contains, so that a restored database lacks them. A
 * comparison of tables and definitions does not detect these.
 */
export function listLeftOut(source: SourceFile, restored: DatabaseSync): LeftOut[] {
  return [
    ...headerNumbers(source.db, restored),
    ...fileSettings(source.db, restored),
    ...statistics(source.db),
    ...sequenceRows(source),
    ...hiddenRowids(source),
    ...indexEntries(source),
  ];
}

function* headerNumbers(source: DatabaseSync, restored: DatabaseSync): Generator<LeftOut> {
  for (const name of HEADER_NUMBERS) {
    const value = readPragma(source, name);
    if (value === readPragma(restored, name)) continue;
    yield { name, reason: `${value} (set it after a restore: PRAGMA ${name} = ${value})` };
  }
}

function* fileSettings(source: DatabaseSync, restored: DatabaseSync): Generator<LeftOut> {
  const changes = FILE_SETTINGS.flatMap((name) => {
    const [before, after] = [readPragma(source, name), readPragma(restored, name)];
    return before === after ? [] : [`${name} ${before} (restored: ${after})`];
  });
  if (changes.length > 0) yield { name: "file settings", reason: changes.join(", ") };
}

function* statistics(source: DatabaseSync): Generator<LeftOut> {
  const tables = STATISTICS.filter((name) => {
    const listed = "SELECT 1 FROM sqlite_schema WHERE name = ?";
    return source.prepare(listed).get(name) !== undefined && countRows(source, name) > 0;
  });
  if (tables.length === 0) return;
  yield {
    name: tables.join(", "),
    reason: "the statistics (ANALYZE creates new ones)",
  };
}

function* sequenceRows({ db, schema }: SourceFile): Generator<LeftOut> {
  if (!schema.hasSequence) return;
  const counted = schema.tables.filter(({ isCounted }) => isCounted).map(({ name }) => name);
  const isOther = `name IS NULL OR name NOT IN (${counted.map(quoteText).join(", ")})`;
  const rows = countRows(db, "sqlite_sequence", isOther);
  if (rows === 0) return;
  const reason = `${formatNumberOf(rows, "row")} without a table that has AUTOINCREMENT`;
  yield { name: "sqlite_sequence", reason };
}

function* hiddenRowids({ schema, rowCounts }: SourceFile): Generator<LeftOut> {
  for (const { name, identity } of schema.tables) {
    if (identity !== "hidden-rowid" || rowCounts.get(name) === 0) continue;
    yield { name, reason: "its rowids (columns named rowid, _rowid_ and oid hide them)" };
  }
}

function* indexEntries({ db, schema, indexes }: SourceFile): Generator<LeftOut> {
  for (const { name, virtual } of schema.tables) {
    const index = indexes.get(name);
    const reason = index === undefined ? undefined : describeIndex(index);
    if (reason !== undefined) yield { name, reason };
    if (virtual?.module !== "fts5" || virtual.content !== "none") continue;
    const { rows } = readIndexTotals(db, name);
    if (rows === 0) continue;
    yield {
      name,
      reason: `${entriesOf(rows)} (a contentless table stores no text from which to rebuild them)`,
    };
  }
}

function describeIndex(index: IndexState): string | undefined {
  const { rows, contentRows, listsRows, unreadable, stray } = index;
  if (unreadable !== undefined) {
    if (rows === 0) return undefined;
    return `${entriesOf(rows)} (its content cannot be read: ${unreadable})`;
  }
  if (stray.length > 0) return `${entriesOf(stray.length)} that its content lacks`;
  if (listsRows || rows === contentRows) return undefined;
  return `that it indexes only ${rows} of ${contentRows} rows (with columnsize=0 it does not record which)`;
}

function entriesOf(rows: number): string {
  return `the index entries of ${formatNumberOf(rows, "row")}`;
}

function readPragma(db: DatabaseSync, name: string): string {
  return String(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}

function countRows(db: DatabaseSync, table: string, where = "true"): number {
  const count = `SELECT count(*) AS n FROM ${quoteIdentifier(table)} WHERE ${where}`;
  return Number(db.prepare(count).get()?.["n"]);
}
