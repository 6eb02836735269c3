import { oneLine } from "../cli/format.ts";
import { ApiProblem } from "./api.ts";
import type { InsertStatement } from "./insert-statements.ts";
import { UnusableFile } from "../cli/unusable-file.ts";

/** Stays under the limit of 1 MiB for a request's body, with space for its braces. */
const BODY_BYTES_MAX = 900_000;

/** The API accepts 1,000. */
const TRANSACTION_STATEMENTS_MAX = 500;

/** The two calls of `POST /query` that loading needs. */
export interface Database {
  query(sql: string): Promise<unknown>;
  /** All or nothing. */
  transaction(statements: string[]): Promise<void>;
}

interface BatchedStatement extends InsertStatement {
  /** What the statement writes, for messages: `table "t"`. */
  what: string;
}

/** Collects statements into transactions of one request each. */
export class StatementBatch {
  readonly #database: Database;
  readonly #onRows: (rows: number) => void;
  #statements: BatchedStatement[] = [];
  #bytes = 0;
  #rowsDone = 0;

  /** `onRows` receives the number of rows written so far. */
  constructor(database: Database, onRows: (rows: number) => void) {
    this.#database = database;
    this.#onRows = onRows;
  }

  async addAll(what: string, statements: Iterable<InsertStatement>): Promise<void> {
    for (const statement of statements) await this.add(what, statement);
  }

  async add(what: string, statement: InsertStatement): Promise<void> {
    const bytes = Buffer.byteLength(JSON.stringify(statement.sql)) + 20;
    const isFull = this.#statements.length === TRANSACTION_STATEMENTS_MAX;
    if (isFull || this.#bytes + bytes > BODY_BYTES_MAX) await this.flush();
    this.#statements.push({ what, ...statement });
    this.#bytes += bytes;
  }

  /**
   * Writes the statements that were added. Throws `UnusableFile`, with the name of the table, if
   * the database refuses a statement.
   */
  async flush(): Promise<void> {
    const statements = this.#statements;
    if (statements.length === 0) return;
    this.#statements = [];
    this.#bytes = 0;
    try {
      await this.#database.transaction(statements.map(({ sql }) => sql));
    } catch (error) {
      if (isRefusal(error)) await this.#findRefused(statements);
      throw error;
    }
    this.#rowsDone += statements.reduce((sum, { rows }) => sum + rows, 0);
    this.#onRows(this.#rowsDone);
  }

  /**
   * The transaction changed nothing, so its statements can run again one by one until one fails.
   */
  async #findRefused(statements: BatchedStatement[]): Promise<void> {
    for (const { what, sql } of statements) {
      try {
        await this.#database.transaction([sql]);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        throw new UnusableFile(describeRefusal(what, error.detail), { cause: error });
      }
    }
  }
}

/** True if the database refused a statement. */
export function isRefusal(error: unknown): error is ApiProblem {
  return error instanceof ApiProblem && error.code === "query-failed";
}

function describeRefusal(what: string, detail: string): string {
  const message = `a Durable Object refuses ${what}: ${oneLine(detail)}`;
  if (!/constraint failed|cannot store/i.test(detail)) return message;
  return `${message}\nRows of the file violate its own rules. Repair them first: \`PRAGMA integrity_check\` lists them.`;
}
