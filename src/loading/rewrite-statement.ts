import { Buffer } from "node:buffer";

import { STATEMENT_BYTES_MAX } from "../api/limits.ts";
import { lowerAscii } from "../lib/ascii-case.ts";
import { viewOf } from "../lib/bytes.ts";
import type { SourceStatement } from "../databases/source.ts";
import type { LoadPlan } from "../rpc/load-plan.ts";
import { quoteIdentifier } from "../sqlite/identifier.ts";
import { classifyStatement, type NamePlace, type StatementClass } from "./classify-statement.ts";
import { splitLongInsert, UnloadableStatement } from "./long-statement.ts";
import { findMove } from "./plan-staging.ts";
import { decodeIfUtf8, listShadowTables, parseSchemaRow } from "./schema-row.ts";
import { replaceUnistr } from "./unistr.ts";

/** What a statement of a script becomes in its target. */
export interface RewrittenStatement {
  /** Run in this order, in one turn; empty if nothing is to be done. */
  run: SourceStatement[];
  /** The table that it writes to, for messages. */
  table?: string;
}

/** Rewrites the statements of one script, in the order of the script. */
export class StatementRewriter {
  readonly #plan: LoadPlan;
  readonly #existing: ReadonlySet<string>;
  /** Staging tables that an earlier statement has made sure of. */
  readonly #staged = new Set<string>();
  /** Shadow tables of the virtual tables that the script writes into `sqlite_schema`. */
  readonly #shadows = new Map<string, { virtualTable: string; columns: string[] | null }>();

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#existing = new Set(plan.existing);
    for (const { name, columns } of plan.virtualTables) {
      for (const [shadow, content] of listShadowTables({ name, sql: "", module: "fts5" })) {
        const hasRows = content === "content";
        this.#shadows.set(shadow, { virtualTable: name, columns: hasRows ? columns : null });
      }
    }
  }

  /** Throws UnloadableStatement. `text` is the statement from its first token on. */
  rewrite(text: Uint8Array, number: number, pass: number): RewrittenStatement {
    const found = classifyStatement(text);
    const { triggers } = this.#plan;
    const isLateTrigger =
      found.kind === "create-trigger" && triggers !== null && number >= triggers.number;
    if ((pass === 2) !== isLateTrigger) return { run: [] };
    switch (found.kind) {
      case "skip":
      case "refuse":
        return { run: [] };
      case "create-table":
        return this.#createTable(text, found);
      case "schema-row": {
        const row = parseSchemaRow(text, found.rowsAt);
        return row === undefined ? { run: [] } : { run: [{ sql: row.sql }], table: row.name };
      }
      case "insert":
        return this.#insert(text, number, found);
      case "create-index":
      case "create-trigger":
        return { run: [toStatement(text)], table: found.table };
      case "create-view":
      case "bookkeeping":
      case "other":
        return { run: [toStatement(text)] };
      default:
        return found satisfies never;
    }
  }

  #createTable(
    text: Uint8Array,
    { name }: Extract<StatementClass, { kind: "create-table" }>,
  ): RewrittenStatement {
    const lower = lowerAscii(name);
    if (this.#existing.has(lower) || this.#shadows.has(lower)) return { run: [] };
    return { run: [toStatement(text)], table: name };
  }

  #insert(
    text: Uint8Array,
    number: number,
    found: Extract<StatementClass, { kind: "insert" }>,
  ): RewrittenStatement {
    const { table } = found;
    const shadow = this.#shadows.get(lowerAscii(table));
    if (shadow !== undefined) {
      if (shadow.columns === null) return { run: [] };
      const columns = ["rowid", ...shadow.columns.map(quoteIdentifier)].join(", ");
      const head = `INSERT INTO ${quoteIdentifier(shadow.virtualTable)}(${columns}) `;
      const rows = viewOf(text).subarray(found.rowsAt);
      return {
        run: toStatements(Buffer.concat([Buffer.from(head), rows]), Buffer.byteLength(head)),
        table: shadow.virtualTable,
      };
    }
    const waiting = findMove(this.#plan.moves, table, number);
    if (waiting === undefined) {
      const rowsAt = found.hasValues ? found.rowsAt : undefined;
      return { run: toStatements(text, rowsAt), table };
    }
    const { stageName, stageSql } = waiting.staged;
    const moved = replaceName(text, found.place, stageName);
    const shift = moved.length - text.length;
    const run = toStatements(moved, found.hasValues ? found.rowsAt + shift : undefined);
    if (!this.#staged.has(stageName)) {
      this.#staged.add(stageName);
      run.unshift({ sql: stageSql.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS") });
    }
    return { run, table };
  }
}

function replaceName(text: Uint8Array, { start, end }: NamePlace, name: string): Buffer {
  const view = viewOf(text);
  return Buffer.concat([view.subarray(0, start), Buffer.from(name), view.subarray(end)]);
}

function toStatement(text: Uint8Array): SourceStatement {
  const [statement] = toStatements(text, undefined);
  return statement as SourceStatement;
}

/** Returns what the platform runs for a statement; `rowsAt` is where VALUES stands in an INSERT. */
function toStatements(text: Uint8Array, rowsAt: number | undefined): SourceStatement[] {
  const bytes = replaceUnistr(text);
  if (bytes.length <= STATEMENT_BYTES_MAX) {
    const sql = decodeIfUtf8(bytes);
    if (sql !== undefined) return [{ sql }];
  }
  if (rowsAt !== undefined) {
    // The values are after VALUES, so nothing before it was replaced.
    return splitLongInsert(bytes, rowsAt);
  }
  throw new UnloadableStatement(
    bytes.length > STATEMENT_BYTES_MAX
      ? `it has ${bytes.length} bytes, and the platform runs at most ${STATEMENT_BYTES_MAX}`
      : "its text is not valid UTF-8",
  );
}
