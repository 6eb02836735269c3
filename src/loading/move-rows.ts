import { ExportError } from "../api/errors.ts";
import type { Source } from "../databases/source.ts";
import type { LoadPosition, RowMove, StagedTable } from "../rpc/load-plan.ts";
import { quoteIdentifier, quoteText } from "../sqlite/identifier.ts";
import { lowerAscii } from "../lib/ascii-case.ts";
import { RESTORE_TABLE, type StoredPosition } from "./position.ts";
import { type LoadTarget, runTurn, type TurnUsage } from "./run-turn.ts";

/** Rows that one turn moves. */
const SLICE_ROWS = 10_000;

/**
 * Moves staged rows into their tables and drops the staging tables. The rows of a single table are
 * moved in slices by their rowid. Tables that reference themselves or one another are moved in one
 * turn, at whose end all their rows exist. Returns the new position, and whether the move is done:
 * a long one resumes at the next call.
 *
 * Errors: `statement-failed` if a row is refused, with the table and the database's message.
 */
export async function moveRows(
  target: LoadTarget,
  move: RowMove,
  from: StoredPosition,
  usage: TurnUsage,
): Promise<StoredPosition> {
  const { source } = target;
  const staged: MovedTable[] = [];
  for (const table of move.tables) {
    const moved = await describeTable(source, table);
    if (moved !== null) staged.push(moved);
  }
  const [only] = staged;
  const end = { ...from, moves: from.moves + 1, moveKey: null };
  const drops = staged.map(({ table }) => `DROP TABLE ${table.stageName}`);
  if (only !== undefined && staged.length === 1 && !move.isCyclic && only.rowid !== null) {
    const next = await findSliceEnd(source, only, from.moveKey);
    if (next === null) return finish(target, { from, end, statements: drops, usage });
    const after = from.moveKey === null ? "" : ` AND ${only.rowid} > ${from.moveKey}`;
    const sql = `${insertSql(only)} WHERE ${only.rowid} <= ${next}${after} ORDER BY ${only.rowid}`;
    const key = `UPDATE ${RESTORE_TABLE} SET move_key = ${next} WHERE id = ${quoteText(target.restoreId)}`;
    await run(target, { from, to: from, statements: [sql, key], tables: [only], usage });
    return { ...from, moveKey: next };
  }
  const inserts = staged.map(
    (table) => `${insertSql(table)}${table.rowid === null ? "" : ` ORDER BY ${table.rowid}`}`,
  );
  const statements = ["PRAGMA defer_foreign_keys=ON", ...inserts];
  await run(target, {
    from,
    to: from,
    statements: [...statements, ...drops],
    tables: staged,
    usage,
    end,
  });
  return end;
}

interface MovedTable {
  table: StagedTable;
  /** Columns that an INSERT may list, quoted. */
  columns: string[];
  /** A name of the rowid that no column has; null if there is none. */
  rowid: string | null;
}

/** Returns how a staging table is read; null if no row was staged, so that it does not exist. */
async function describeTable(source: Source, table: StagedTable): Promise<MovedTable | null> {
  const info = await source.query({
    sql: `SELECT name, hidden FROM pragma_table_xinfo(${quoteText(table.stageName)})`,
  });
  if (info.rows.length === 0) return null;
  const names = info.rows.map(([name]) => String(name));
  const used = new Set(names.map(lowerAscii));
  const list = await source.query({
    sql: `SELECT wr FROM pragma_table_list(${quoteText(table.stageName)})`,
  });
  const isRowidTable = Number(list.rows[0]?.[0] ?? 0) === 0;
  const rowid = ["rowid", "_rowid_", "oid"].find((name) => !used.has(name)) ?? null;
  return {
    table,
    columns: info.rows.flatMap(([name, hidden]) =>
      Number(hidden) === 0 ? [quoteIdentifier(String(name))] : [],
    ),
    rowid: isRowidTable ? rowid : null,
  };
}

function insertSql({ table, columns, rowid }: MovedTable): string {
  const list = [...(rowid === null ? [] : [rowid]), ...columns].join(", ");
  return `INSERT INTO ${quoteIdentifier(table.name)}(${list}) SELECT ${list} FROM ${table.stageName}`;
}

/** Returns the last rowid of the next slice, in digits; null if none is left. */
async function findSliceEnd(
  source: Source,
  { table, rowid }: MovedTable,
  after: string | null,
): Promise<string | null> {
  const where = after === null ? "" : `WHERE ${rowid} > ${after} `;
  const { rows } = await source.query({
    sql:
      `SELECT CAST(max(k) AS TEXT) FROM (SELECT ${rowid} AS k FROM ${table.stageName} ${where}` +
      `ORDER BY ${rowid} LIMIT ${SLICE_ROWS})`,
  });
  const end = rows[0]?.[0];
  return typeof end === "string" ? end : null;
}

interface MoveTurn {
  from: StoredPosition;
  to: LoadPosition;
  statements: string[];
  usage: TurnUsage;
}

async function finish(
  target: LoadTarget,
  { from, end, statements, usage }: Omit<MoveTurn, "to"> & { end: StoredPosition },
): Promise<StoredPosition> {
  const clear = `UPDATE ${RESTORE_TABLE} SET move_key = NULL WHERE id = ${quoteText(target.restoreId)}`;
  await run(target, { from, to: end, statements: [...statements, clear], tables: [], usage, end });
  return end;
}

async function run(
  target: LoadTarget,
  turn: MoveTurn & { tables: readonly MovedTable[]; end?: StoredPosition },
): Promise<void> {
  const { from, statements, tables, usage, end } = turn;
  const to = end ?? turn.to;
  const positioned = { restoreId: target.restoreId, from, to, countsRows: false, markers: 0 };
  try {
    await runTurn(
      target.source,
      positioned,
      statements.map((sql) => ({ sql })),
      usage,
    );
  } catch (cause) {
    if (!(cause instanceof ExportError) || cause.code !== "source-query-failed") throw cause;
    const names = tables.map(({ table }) => JSON.stringify(table.name)).join(", ");
    throw new ExportError(
      "statement-failed",
      `the rows of ${names}, loaded up to statement ${from.statements}, line ${from.lines + 1}, are refused: ${cause.message}`,
      {
        cause,
        details: {
          statement: from.statements,
          line: from.lines + 1,
          table: names,
          reason: cause.message,
        },
      },
    );
  }
}
