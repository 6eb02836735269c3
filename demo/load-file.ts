import { ApiProblem } from "./api.ts";
import { insertStatements, stageTableSql } from "./insert-statements.ts";
import type { InsertStatement } from "./insert-statements.ts";
import type { LeftOut, Table } from "./schema.ts";
import { quoteName } from "./sql-literal.ts";
import type { SourceFile } from "./source-file.ts";

/** Stays under the 1 MiB that a request's body may have, with room for its braces. */
const BODY_BYTES_MAX = 900_000;

/** The API takes 1,000. */
const TRANSACTION_STATEMENTS_MAX = 500;

/** The two calls that loading needs of `POST /query`. */
export interface Database {
  query(sql: string): Promise<unknown>;
  /** All or nothing. */
  transaction(statements: string[]): Promise<void>;
}

/**
 * Writes everything of a database file into an empty database: tables with their rowids, virtual
 * tables, `sqlite_sequence`, indexes, views and triggers. A virtual table whose module the platform
 * refuses is left out, and named in the result; any other refusal throws, naming the object.
 */
export async function loadFile(
  source: SourceFile,
  database: Database,
  onRows: (rows: number) => void,
): Promise<LeftOut[]> {
  const { schema } = source;
  const leftOut = [...schema.leftOut];
  const batch = new Batch(database, onRows);
  const stageTable = freeName("durable_export_demo_stage", schema.tables);
  const rowsOf = (table: Table) =>
    insertStatements(source.db, table, { encoding: source.encoding, stageTable });

  // A file may hold rows whose parent comes later or never; the restore has them all the same.
  await database.query("PRAGMA foreign_keys = OFF");
  await database.query(stageTableSql(stageTable));
  const plain = schema.tables.filter(({ virtual }) => virtual === undefined);
  await batch.addAll(plain.map(({ sql }) => ({ sql, rows: 0 })));
  for (const table of plain) await named(table.name, batch.addAll(rowsOf(table)));
  await named("the last rows", batch.flush());

  const addObjects = async (type: string, what: string) => {
    const objects = schema.objects.filter((object) => object.type === type);
    await batch.addAll(objects.map(({ sql }) => ({ sql, rows: 0 })));
    await named(what, batch.flush());
  };
  await addObjects("view", "the views");
  for (const table of schema.tables) {
    if (table.virtual === undefined) continue;
    try {
      await database.query(table.sql);
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.code !== "query-failed") throw error;
      leftOut.push({ name: table.name, reason: `the platform refuses it: ${error.detail}` });
      continue;
    }
    if (table.virtual.content === "rows") await batch.addAll(rowsOf(table));
    if (table.virtual.content === "rebuild") await batch.add(rebuildStatement(table));
    await named(table.name, batch.flush());
  }

  if (schema.hasSequence) await batch.addAll(sequenceStatements(source));
  await named("sqlite_sequence", batch.flush());
  // After the rows: an index is built once, and a trigger must not fire while they are loaded.
  await addObjects("index", "the indexes");
  await addObjects("trigger", "the triggers");
  await database.query(`DROP TABLE ${quoteName(stageTable)}`);
  await database.query("PRAGMA foreign_keys = ON");
  return leftOut;
}

/** Collects statements into transactions of one request each. */
class Batch {
  readonly #database: Database;
  readonly #onRows: (rows: number) => void;
  #statements: InsertStatement[] = [];
  #bytes = 0;
  #rowsDone = 0;

  constructor(database: Database, onRows: (rows: number) => void) {
    this.#database = database;
    this.#onRows = onRows;
  }

  async addAll(statements: Iterable<InsertStatement>): Promise<void> {
    for (const statement of statements) await this.add(statement);
  }

  async add(statement: InsertStatement): Promise<void> {
    const bytes = Buffer.byteLength(JSON.stringify(statement.sql)) + 20;
    const isFull = this.#statements.length === TRANSACTION_STATEMENTS_MAX;
    if (isFull || this.#bytes + bytes > BODY_BYTES_MAX) await this.flush();
    this.#statements.push(statement);
    this.#bytes += bytes;
  }

  async flush(): Promise<void> {
    const statements = this.#statements;
    if (statements.length === 0) return;
    this.#statements = [];
    this.#bytes = 0;
    await this.#database.transaction(statements.map(({ sql }) => sql));
    this.#rowsDone += statements.reduce((sum, { rows }) => sum + rows, 0);
    this.#onRows(this.#rowsDone);
  }
}

function rebuildStatement({ name }: Table): InsertStatement {
  return { sql: `INSERT INTO ${quoteName(name)}(${quoteName(name)}) VALUES ('rebuild')`, rows: 0 };
}

function* sequenceStatements({ db, encoding }: SourceFile): Generator<InsertStatement> {
  yield { sql: "DELETE FROM sqlite_sequence", rows: 0 };
  const sequence: Table = {
    name: "sqlite_sequence",
    sql: "",
    columns: ["name", "seq"].map((name) => ({ name, stored: true })),
    rowidName: undefined,
    rowidIsColumn: false,
    virtual: undefined,
  };
  // Not among the rows that the reader's file is said to have.
  for (const { sql } of insertStatements(db, sequence, { encoding, stageTable: "" })) {
    yield { sql, rows: 0 };
  }
}

function freeName(wanted: string, tables: Table[]): string {
  const taken = new Set(tables.map(({ name }) => name.toLowerCase()));
  let name = wanted;
  while (taken.has(name)) name += "_";
  return name;
}

async function named(what: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new Error(`loading ${what}: ${(error as Error).message}`, { cause: error });
  }
}
