import { lowerAscii } from "../lib/ascii-case.ts";
import type { RowMove, StagedTable } from "../rpc/load-plan.ts";
import { RESTORE_STAGE_PREFIX } from "../sqlite/own-objects.ts";
import { listGroups } from "./list-groups.ts";
import type { ScannedTable } from "./scanned-tables.ts";
import { makeStageSql } from "./stage-sql.ts";

/** A stretch of a script in which no statement reads or changes rows, so rows may move freely. */
export interface Span {
  /** The number of the first statement. */
  from: number;
  /** The first and the last statement that insert into a table, by its name in lower case. */
  inserts: Map<string, { first: number; last: number }>;
  uniqueIndexes: { table: string; columns: string[]; number: number }[];
  /** Tables that must receive their rows directly, in lower case. */
  unstageable: Set<string>;
}

/** A move whose staging tables are not named yet. */
export interface PlannedMove extends Omit<RowMove, "tables"> {
  tables: { name: string; first: number; sql: string }[];
}

type Tables = {
  find: (name: string) => ScannedTable | undefined;
  byName: ReadonlyMap<string, ScannedTable>;
};

/**
 * Decides which rows of a span cannot go directly into their tables, because a foreign key is checked when its row
 * is written. These are the rows of a table that refers to itself or is part of a cycle. They also include rows
 * that come before their parents' rows, or before the UNIQUE index that a foreign key needs. They wait in a staging
 * table until everything that they need exists. `tables` are the script's tables at the end of the span.
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
  /** The statement after which a table has all of its rows. */
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
    // If only some of a cycle's rows were in their tables, the database would refuse them in any order.
    if (staged.length < written.length) continue;
    moves.push({ from: span.from, after, isCyclic, tables: staged });
  }
  return moves;
}

/** The last UNIQUE index, per table, that a foreign key to these columns needs. */
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

/** Names the staging tables of moves, and avoids the names in `taken` (in lower case). */
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

/**
 * Returns the staging table for rows that statement `number` inserts into `name` (in lower case); undefined if
 * there is none.
 */
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
