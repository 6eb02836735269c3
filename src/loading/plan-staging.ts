import { lowerAscii } from "../lib/ascii-case.ts";
import type { RowMove, StagedTable } from "../rpc/load-plan.ts";
import { RESTORE_STAGE_PREFIX } from "../sqlite/own-objects.ts";
import { listGroups } from "./list-groups.ts";
import type { ScannedTable } from "./scanned-tables.ts";
import { makeStageSql } from "./stage-sql.ts";

/** A stretch of a script without a statement that reads or changes rows: in it, rows may be moved freely. */
export interface Span {
  /** Number of the first statement. */
  from: number;
  /** First and last statement that inserts into a table, by its name in lower case. */
  inserts: Map<string, { first: number; last: number }>;
  uniqueIndexes: { table: string; columns: string[]; number: number }[];
  /** Tables whose rows must go straight into them, in lower case. */
  unstageable: Set<string>;
}

/** A move whose staging tables have no names yet. */
export interface PlannedMove extends Omit<RowMove, "tables"> {
  tables: { name: string; first: number; sql: string }[];
}

type Tables = {
  find: (name: string) => ScannedTable | undefined;
  byName: ReadonlyMap<string, ScannedTable>;
};

/**
 * Decides which rows of a span cannot go straight into their tables, because a foreign key is checked when its row
 * is written: those of a table that refers to itself or is part of a cycle, and those that come before their
 * parents' rows, or before the UNIQUE index that a foreign key needs. They wait in a staging table until the last
 * of all those is there. `tables` are the script's at the span's end.
 */
export function planSpan(span: Span, tables: Tables): PlannedMove[] {
  const { inserts } = span;
  const listParents = (name: string): string[] =>
    (tables.find(name)?.foreignKeys ?? []).flatMap(({ parent }) =>
      tables.find(parent) === undefined ? [] : [parent],
    );
  const indexes = findNeededIndexes(span, tables);
  if (![...inserts.keys()].some((name) => indexes.has(name) || listParents(name).length > 0)) {
    return [];
  }
  /** The statement after which a table's rows are all in it. */
  const complete = new Map<string, number>();
  const moves: PlannedMove[] = [];
  for (const group of listGroups([...tables.byName.keys()], listParents)) {
    const written = group.flatMap((name) => {
      const places = inserts.get(name);
      return places === undefined ? [] : [{ name, ...places }];
    });
    const outer = group.flatMap(listParents).filter((parent) => !group.includes(parent));
    const parentsAt = Math.max(0, ...outer.map((parent) => complete.get(parent) ?? 0));
    const indexedAt = Math.max(0, ...group.map((name) => indexes.get(name) ?? 0));
    const [name] = group as [string];
    const isCyclic = group.length > 1 || listParents(name).includes(name);
    const after = Math.max(parentsAt, indexedAt, ...written.map(({ last }) => last));
    for (const each of group) complete.set(each, written.length === 0 ? indexedAt : after);
    const waits = written.some(({ first }) => Math.max(parentsAt, indexedAt) > first);
    if (written.length === 0 || !(isCyclic || waits)) continue;
    const staged = written.flatMap(({ name: each, first }) => {
      const table = tables.find(each);
      const isStageable = table?.isStageable === true && !span.unstageable.has(each);
      return isStageable ? [{ name: each, first, sql: table.sql }] : [];
    });
    // Some of a cycle's rows in their tables and some not would be refused, whatever their order.
    if (staged.length < written.length) continue;
    moves.push({ from: span.from, after, isCyclic, tables: staged });
  }
  return moves;
}

/** The last UNIQUE index of each table that a foreign key of these columns needs. */
function findNeededIndexes({ uniqueIndexes }: Span, { byName }: Tables): Map<string, number> {
  const needed = new Map<string, number>();
  for (const index of uniqueIndexes) {
    const table = lowerAscii(index.table);
    const columns = index.columns.map(lowerAscii).sort().join("\0");
    const isNeeded = [...byName.values()].some(({ foreignKeys }) =>
      foreignKeys.some(
        (key) => key.parent === table && [...(key.columns ?? [])].sort().join("\0") === columns,
      ),
    );
    if (isNeeded) needed.set(table, index.number);
  }
  return needed;
}

/** Names the staging tables of moves; `taken` are names that they may not have, in lower case. */
export function nameMoves(moves: readonly PlannedMove[], taken: ReadonlySet<string>): RowMove[] {
  let number = 0;
  const nameStage = (): string => {
    do number += 1;
    while (taken.has(`${RESTORE_STAGE_PREFIX}${number}`));
    return `${RESTORE_STAGE_PREFIX}${number}`;
  };
  return moves
    .map((move) => ({
      ...move,
      tables: move.tables.map(({ name, first, sql }): StagedTable => {
        const stageName = nameStage();
        return { name, first, stageName, stageSql: makeStageSql(sql, stageName) };
      }),
    }))
    .sort((a, b) => a.after - b.after);
}

/** Returns where a row of `name` (in lower case), inserted by statement `number`, waits; undefined if it does not. */
export function findStage(
  moves: readonly RowMove[],
  name: string,
  number: number,
): StagedTable | undefined {
  for (const move of moves) {
    if (number < move.from || number > move.after) continue;
    const staged = move.tables.find((each) => each.name === name);
    if (staged !== undefined) return staged;
  }
  return undefined;
}
