import type { DatabaseSync, StatementSync } from "node:sqlite";

import { readCatalog } from "../../src/reading/read-catalog.ts";
import { freezeOpen } from "./frozen-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "./node-sqlite-source.ts";
import { WRITTEN_TABLES } from "./snapshot-schemas.ts";
import { q, Random } from "./snapshot-writes.ts";
import { type Difference, documentedRule, type Outcome } from "./writer-differences.ts";
import { randomTable } from "./writer-schemas.ts";
import { writerSql } from "./writer-statements.ts";

export interface WritersRun {
  /** Sentences; empty if each write does the same as without a snapshot, or what the docs say. */
  problems: string[];
  /** For people who investigate a problem. */
  statements: string[];
  writes: number;
  /** How many writes differed by each documented rule. */
  documented: Map<string, number>;
}

/** Writes between opening a snapshot and its end. */
const WRITES = 80;

/**
 * One random run: tables, rows, a snapshot of them, and writes. Each write must do and return the
 * same as in a twin without a snapshot or any of this project's triggers, except for what
 * `docs/consistency.md` says. The dump must have the bytes of one taken at the instant of opening.
 */
export async function runWriters(seed: number): Promise<WritersRun> {
  const random = new Random(seed);
  const db = openPlatformDatabase();
  const twin = openPlatformDatabase();
  const run: WritersRun = { problems: [], statements: [], writes: 0, documented: new Map() };
  const setUp = (sql: string): void => {
    run.statements.push(sql);
    for (const each of [db, twin]) execute(each, sql);
  };
  const isRecursive = random.isTrue(0.2);
  setUp(`PRAGMA recursive_triggers = ${isRecursive ? "ON" : "OFF"}`);
  const fixed = random.isTrue(0.3) ? [random.of(FIXED_TABLES)] : [];
  const drawn = Array.from({ length: 1 + random.below(3) }, (_, n) => `r${n}`).map((name, n) =>
    randomTable(
      random,
      name,
      Array.from({ length: n }, (_each, other) => `r${other}`),
    ),
  );
  const tables = [...fixed, ...drawn];
  for (const table of tables) for (const sql of table.script) setUp(sql);
  for (let n = 10 + random.below(30); n > 0; n -= 1) setUp(writerSql(random, tables));
  for (const each of [db, twin]) each.exec("CREATE TEMP TABLE resync(id INTEGER PRIMARY KEY)");
  const catalog = await readCatalog(nodeSqliteSource(db));
  const frozen = await freezeOpen(db);
  // The hidden column of an FTS5 table shows the number of the cursor that reads it.
  const names = catalog.tables.flatMap(({ name, kind }) => (kind === "virtual" ? [] : [name]));
  const reads = [db, twin].map((each) => contentsOf(each, names));
  // Within a transaction, SQLite undoes a failed statement by other means.
  const isTogether = random.isTrue(0.5);
  let before = reads[1]?.() ?? "";
  for (let n = 0; n < WRITES; n += 1) {
    const sql = writerSql(random, tables);
    run.statements.push(sql);
    run.writes += 1;
    const [found, expected] = [db, twin].map((each, at) =>
      writeOnce(each, { sql, isTogether, read: reads[at] as () => string }),
    ) as [Outcome, Outcome];
    // What is not committed is undone.
    const [left, leftInTwin] = [found, expected].map((outcome, at) =>
      outcome.commit === null ? outcome.contents : reads[at]?.(),
    );
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      const hasOrphans = (): boolean => holdsOrphans(twin, names);
      const difference: Difference = {
        sql,
        before,
        found,
        expected,
        catalog,
        isRecursive,
        hasOrphans,
      };
      const rule = documentedRule(difference);
      if (rule === undefined) {
        run.problems.push(describe(difference));
        break;
      }
      run.documented.set(rule, (run.documented.get(rule) ?? 0) + 1);
      for (const each of [db, twin]) each.exec("REPLACE INTO temp.resync VALUES (1)");
    }
    before = leftInTwin ?? "";
    // After this point the two have different rows.
    if (left !== before) break;
  }
  if ((await frozen.dump()) !== frozen.expected) run.problems.push("the dump differs");
  db.close();
  twin.close();
  return run;
}

const FIXED_TABLES = WRITTEN_TABLES.filter(({ name }) => name !== "search");

/** Runs a statement that may be refused; returns SQLite's words, or null if it succeeded. */
function execute(db: DatabaseSync, sql: string): string | null {
  try {
    db.exec(sql);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Runs one write. `isTogether`: in a transaction that ends with it, and that is rolled back if it
 * cannot end.
 */
function writeOnce(
  db: DatabaseSync,
  { sql, isTogether, read }: { sql: string; isTogether: boolean; read: () => string },
): Outcome {
  if (!isTogether) return { ...outcomeOf(db, sql), contents: read(), commit: null };
  db.exec("BEGIN");
  const outcome = { ...outcomeOf(db, sql), contents: read() };
  // OR ROLLBACK has already ended it.
  const commit = db.isTransaction ? execute(db, "COMMIT") : "no transaction";
  if (db.isTransaction) db.exec("ROLLBACK");
  return { ...outcome, commit };
}

function outcomeOf(db: DatabaseSync, sql: string): Omit<Outcome, "contents" | "commit"> {
  const lastRowid = (): unknown =>
    db.prepare("SELECT CAST(last_insert_rowid() AS TEXT) AS id").get();
  try {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    const rows = statement.all().map((row) => Object.values(row).map(String));
    const changes: unknown = db.prepare("SELECT changes() AS n").get();
    return { error: null, returned: JSON.stringify([rows, changes]), lastRowid: lastRowid() };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { error: message, returned: "", lastRowid: lastRowid() };
  }
}

function holdsOrphans(db: DatabaseSync, names: string[]): boolean {
  return names.some((name) => {
    try {
      return db.prepare("SELECT 1 FROM pragma_foreign_key_check(?) LIMIT 1").all(name).length > 0;
    } catch {
      // A foreign key that SQLite cannot check.
      return false;
    }
  });
}

/** Reads all rows of all tables, as text. */
function contentsOf(db: DatabaseSync, names: string[]): () => string {
  const statements = names.map((name): StatementSync => {
    const columns = db.prepare(`SELECT name FROM pragma_table_xinfo(?)`).all(name);
    const values = columns.map((column) => `quote(${q(String(column["name"]))})`);
    const groups = Array.from({ length: Math.ceil(values.length / 30) }, (_, at) =>
      values.slice(at * 30, at * 30 + 30).join(", "),
    );
    const row = groups.map((group) => `concat_ws(',', ${group})`).join(" || ',' || ");
    const read = (key: string): StatementSync =>
      db.prepare(
        `SELECT group_concat(r, ';') AS rows FROM (SELECT ${key}${row} AS r FROM ${q(name)} NOT INDEXED)`,
      );
    try {
      return read("rowid || ':' || ");
    } catch {
      return read("");
    }
  });
  return () => statements.map((statement) => String(statement.get()?.["rows"])).join("\n");
}

function describe({ sql, found, expected }: Difference): string {
  const short = (outcome: Outcome): string => JSON.stringify(outcome).slice(0, 2_000);
  return `${sql}\n  gives ${short(found)}\n  and   ${short(expected)} without a snapshot`;
}
