import type { Buffer } from "node:buffer";

import { ExportError } from "../api/errors.ts";
import { STATEMENT_BYTES_MAX } from "../api/limits.ts";
import { lowerAscii } from "../lib/ascii-case.ts";
import { decodeIfUtf8, viewOf } from "../lib/bytes.ts";
import type { ScriptPlace } from "../rpc/load-plan.ts";
import { createStageSql, RESTORE_TABLE } from "../sqlite/own-objects.ts";
import { type ScriptStatement, textOf } from "../sqlite/script-statement.ts";
import { findOption } from "../sqlite/virtual-table.ts";
import { type InsertRows, type StatementClass, StatementClassifier } from "./classify-statement.ts";
import type { CreateTable } from "./create-table.ts";
import { refused } from "./describe-statement.ts";
import { splitLongInsert, UnloadableStatement } from "./long-statement.ts";
import { nameMoves, type PlannedMove, planSpan, type Span } from "./plan-staging.ts";
import { countRows, RowCounts } from "./row-counts.ts";
import { findInsertTraits, findRowTraits, PLAIN_ROWS, type RowTraits } from "./row-traits.ts";
import type { ScannedScript } from "./scan-script.ts";
import { parseSchemaRow, type SchemaRow } from "./schema-row.ts";
import { ScannedTables } from "./scanned-tables.ts";
import { isCertainlyWhole } from "./whole-statement.ts";

/** What is known about a script, statement by statement. */
export class ScriptScan {
  end: ScriptPlace = { textBytes: 0, statements: 0, lines: 0 };
  readonly #classifier = new StatementClassifier();
  readonly #tables = new ScannedTables();
  readonly #moves: PlannedMove[] = [];
  readonly #schemaRows: SchemaRow[] = [];
  readonly #skipped = new Map<string, number>();
  /** Tables, in lower case, in which this project's dumps assemble long rows. */
  readonly #dumpStages = new Set<string>();
  /** Tables, in lower case, whose rows fire triggers. */
  readonly #triggered = new Set<string>();
  readonly #counts = new RowCounts();
  #span: Span = newSpan(1);
  #late: ScannedScript["late"] = null;
  #hasKeyValues = false;
  /** The statement that began the open transaction. */
  #begin: ScriptStatement | undefined;
  #lastInsert: InsertRows | undefined;
  /** False after the script has turned foreign keys off. */
  #enforces = true;

  /** How the next statements probably begin, for the splitter. */
  get insertHead(): Buffer | undefined {
    return this.#classifier.head;
  }

  /** Adds the script's next statement. Errors: `script-invalid`. */
  add(statement: ScriptStatement): void {
    this.#add(statement, this.#classifier.classify(statement));
  }

  /** Adds a last statement that lacks a semicolon, or an open comment. Errors: `script-invalid`. */
  addUnended(statement: ScriptStatement): void {
    const { bytes, start } = statement;
    const isComment = start === bytes.length;
    const found = this.#classifier.classify(statement);
    if (isComment || (found.kind !== "refuse" && !isCertainlyWhole(statement, found))) {
      throw refused(
        statement,
        "the script ends within this statement, or lacks the semicolon that would prove that it does not",
      );
    }
    this.#add(statement, found);
  }

  /** Ends the script. Errors: `script-invalid` if it has no statement, or leaves its transaction open. */
  finish(): ScannedScript {
    if (this.end.statements === 0) {
      throw new ExportError("script-invalid", "the script contains no statement");
    }
    if (this.#begin !== undefined) {
      throw refused(
        this.#begin,
        "the script does not end the transaction that this statement begins: it may be cut off",
      );
    }
    this.#planSpan();
    return {
      end: this.end,
      tables: this.#tables.byName,
      moves: nameMoves(this.#moves, this.#tables.everyName),
      schemaRows: this.#schemaRows,
      skipped: this.#skipped,
      late: this.#late,
      hasSequences: this.#tables.hasAutoincrement,
      hasKeyValues: this.#hasKeyValues,
      rows: this.#counts.list(this.#tables.byName.values()),
    };
  }

  #add(statement: ScriptStatement, found: StatementClass): void {
    if (found.kind === "refuse") throw refused(statement, found.reason);
    const traits = this.#findTraits(statement, found);
    const reason = this.#findObstacle(statement, found, traits);
    if (reason !== undefined) throw refused(statement, reason);
    const before = this.end;
    const { number } = statement;
    switch (found.kind) {
      case "skip":
        this.#skip(found.what);
        break;
      case "begin":
        this.#begin = statement;
        this.#skip("BEGIN");
        break;
      case "commit":
        this.#begin = undefined;
        this.#skip("COMMIT");
        break;
      case "foreign-keys":
        this.#enforces = found.enforces;
        this.#skip("PRAGMA foreign_keys");
        break;
      case "create-table":
        this.#createTable(statement, found);
        break;
      case "insert":
        this.#insert(number, found, traits);
        this.#count(statement, found, traits);
        break;
      case "schema-row": {
        const row = parseSchemaRow(textOf(statement), found.rowsAt);
        if (row === undefined) {
          throw refused(statement, "only virtual tables can be written into sqlite_schema");
        }
        this.#schemaRows.push(row);
        break;
      }
      case "create-index":
        if (found.isUnique) this.#span.uniqueIndexes.push({ ...found, number });
        break;
      case "create-trigger":
        this.#triggered.add(lowerAscii(found.table));
        this.#late ??= { from: before, number };
        break;
      case "sequence":
        this.#late ??= { from: before, number };
        break;
      case "key-values":
        this.#hasKeyValues = true;
        break;
      case "create-view":
      case "bookkeeping":
        break;
      case "alter-table":
        this.#endSpan(number);
        this.#counts.forgetAll();
        this.#tables.alter(textOf(statement), found);
        break;
      case "drop-table":
        this.#endSpan(number);
        this.#counts.forget(found.table);
        this.#tables.drop(found.table);
        break;
      case "change-rows":
      case "other":
        this.#endSpan(number);
        this.#counts.forgetAll();
        break;
      default:
        found satisfies never;
    }
    this.end = statement.after;
  }

  #findTraits(statement: ScriptStatement, found: StatementClass): RowTraits {
    if (found.kind === "insert") return findInsertTraits(statement, found, this.#dumpStages);
    if (found.kind !== "change-rows") return PLAIN_ROWS;
    return findRowTraits(statement.bytes, statement.start, this.#dumpStages);
  }

  #skip(what: string): void {
    this.#skipped.set(what, (this.#skipped.get(what) ?? 0) + 1);
  }

  /** Returns why the platform cannot run a statement as the script intends; undefined if it can. */
  #findObstacle(
    statement: ScriptStatement,
    found: StatementClass,
    traits: RowTraits,
  ): string | undefined {
    if (findTable(found) === RESTORE_TABLE) {
      return `a restore keeps its position in the table ${RESTORE_TABLE}, so no script can use this name`;
    }
    const reason = this.#findBadText(statement, found, traits);
    if (reason !== undefined) return reason;
    const length = statement.bytes.length - statement.start;
    if (length > STATEMENT_BYTES_MAX) {
      if (found.kind !== "insert" || !found.hasValues) {
        const runs = found.kind !== "skip" && found.kind !== "schema-row";
        return runs
          ? `it has ${length} bytes, and the platform runs at most ${STATEMENT_BYTES_MAX}`
          : undefined;
      }
      try {
        for (const _ of splitLongInsert(textOf(statement), found.rowsAt));
      } catch (cause) {
        if (cause instanceof UnloadableStatement) return cause.message;
        throw cause;
      }
    }
    if (traits.countsChanges) {
      return "the value of changes() and total_changes() depends on the connection";
    }
    if (this.#enforces) return undefined;
    const changed =
      found.kind === "drop-table" ||
      found.kind === "change-rows" ||
      (found.kind === "insert" && found.conflict === "REPLACE")
        ? found.table
        : undefined;
    const child = changed === undefined ? undefined : this.#tables.findActingChild(changed);
    if (child === undefined) return undefined;
    return (
      "the script turns foreign keys off, the platform enforces them, and so this statement would also change " +
      `rows of ${JSON.stringify(child)}`
    );
  }

  /** Returns what in a statement's text is not UTF-8. Values that stand in VALUES may contain any bytes. */
  #findBadText(
    statement: ScriptStatement,
    found: StatementClass,
    traits: RowTraits,
  ): string | undefined {
    if (found.kind === "skip" || found.kind === "schema-row") return undefined;
    if (found.kind === "insert" && found.hasValues && !traits.hasTail) {
      // Statements that begin with the same bytes have the same class.
      if (found === this.#lastInsert) return undefined;
      this.#lastInsert = found;
      const head = decodeIfUtf8(textOf(statement).subarray(0, found.rowsAt));
      return head === undefined ? "its names are not valid UTF-8" : undefined;
    }
    return decodeIfUtf8(textOf(statement)) === undefined
      ? "its text is not valid UTF-8"
      : undefined;
  }

  #createTable(statement: ScriptStatement, found: CreateTable): void {
    const sql = viewOf(statement.bytes).toString("utf8", statement.start);
    if (sql.replace(/;$/, "") === createStageSql(found.name)) {
      this.#dumpStages.add(lowerAscii(found.name));
    }
    if (!found.isVirtual) this.#counts.create(found.name);
    if (!this.#tables.create(sql, found)) {
      throw refused(statement, "the script creates too many tables");
    }
  }

  #count({ bytes, start }: ScriptStatement, found: InsertRows, traits: RowTraits): void {
    if (this.#triggered.has(found.lowerTable)) {
      this.#counts.forgetAll();
    } else if (!found.hasValues || found.conflict !== undefined || traits.hasTail) {
      this.#counts.forget(found.table);
    } else {
      const rows = traits.rows ?? countRows(bytes, start + found.rowsAt);
      this.#counts.add(found.lowerTable, rows);
    }
  }

  #insert(number: number, found: InsertRows, traits: RowTraits): void {
    const name = found.lowerTable;
    const table = this.#tables.find(name);
    // Creating an index over another table's rows reads them.
    const buildsIndex = table?.isVirtual === true && findOption(table.sql, "content") !== undefined;
    const fires = this.#triggered.has(name);
    if (!found.hasValues || traits.readsRows || buildsIndex || fires) this.#endSpan(number);
    const known = this.#span.inserts.get(name);
    if (known === undefined) {
      this.#span.inserts.set(name, { first: number, last: number });
    } else {
      known.last = number;
    }
    // A conflict in the statement's table might not occur in a staging table, which has other rows and indexes.
    if (fires || found.conflict !== undefined || traits.hasTail || traits.usesSession) {
      this.#span.unstageable.add(name);
    }
    this.#late = null;
  }

  /** Ends a span before statement `next`, which may read or change any row. */
  #endSpan(next: number): void {
    this.#planSpan();
    for (const name of this.#span.inserts.keys()) this.#tables.markWritten(name);
    this.#span = newSpan(next);
    this.#late = null;
  }

  #planSpan(): void {
    this.#moves.push(...planSpan(this.#span, this.#tables));
  }
}

/** The table that a statement creates or changes, in lower case. */
function findTable(found: StatementClass): string | undefined {
  if (found.kind === "insert") return found.lowerTable;
  if (found.kind === "create-table") return lowerAscii(found.name);
  return "table" in found ? lowerAscii(found.table) : undefined;
}

function newSpan(from: number): Span {
  return { from, inserts: new Map(), uniqueIndexes: [], unstageable: new Set() };
}
