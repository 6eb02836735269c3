import { lowerAscii } from "../lib/ascii-case.ts";
import type { RowMove, StagedTable } from "../rpc/load-plan.ts";
import type { ScannedScript, ScannedSpan, ScannedTable } from "./scan-script.ts";
import { makeStageSql } from "./stage-sql.ts";

/**
 * Decides which rows cannot go straight into their tables, because a foreign key is checked when its row is
 * written: those of a table that refers to itself or is part of a cycle, and those that come before rows, or a
 * UNIQUE index, of their parent table. They are loaded into a staging table and moved as soon as the last of
 * them and of their parents is there. `taken` are names that no staging table may have, in lower case.
 */
export function planStaging(
  { tables, spans }: Pick<ScannedScript, "tables" | "spans">,
  taken: ReadonlySet<string>,
): RowMove[] {
  const moves: RowMove[] = [];
  let number = 0;
  const nameStage = (): string => {
    do number += 1;
    while (taken.has(`tmp_export_stage_${number}`) || tables.has(`tmp_export_stage_${number}`));
    return `tmp_export_stage_${number}`;
  };
  for (const span of spans) moves.push(...planSpan(span, tables, nameStage));
  return moves.sort((a, b) => a.after - b.after);
}

function planSpan(
  span: ScannedSpan,
  tables: ReadonlyMap<string, ScannedTable>,
  nameStage: () => string,
): RowMove[] {
  const { inserts, uniqueIndexes } = span;
  const listParents = (name: string): string[] =>
    (tables.get(name)?.parents ?? []).filter((parent) => tables.has(parent));
  /** The statement after which a table's rows are all in it. */
  const complete = new Map<string, number>();
  const moves: RowMove[] = [];
  for (const group of listGroups([...tables.keys()], listParents)) {
    const written = group.filter((name) => inserts.has(name));
    const outer = group.flatMap(listParents).filter((parent) => !group.includes(parent));
    const parentsAt = Math.max(0, ...outer.map((parent) => complete.get(parent) ?? 0));
    const first = Math.min(...written.map((name) => inserts.get(name)?.first ?? 0));
    const last = Math.max(0, ...written.map((name) => inserts.get(name)?.last ?? 0));
    const indexed = Math.max(0, ...group.map((name) => uniqueIndexes.get(name) ?? 0));
    const isCyclic =
      group.length > 1 || listParents(group[0] as string).includes(group[0] as string);
    // An index of a table in a cycle may be what its own foreign keys need.
    const after = Math.max(last, parentsAt, isCyclic ? indexed : 0);
    if (written.length > 0 && (isCyclic || parentsAt >= first)) {
      const staged = written.map((name): StagedTable => {
        const table = tables.get(name) as ScannedTable;
        const stageName = nameStage();
        return { name, stageName, stageSql: makeStageSql(table.sql, stageName) };
      });
      moves.push({ from: span.from, after, isCyclic, tables: staged });
      for (const name of group) complete.set(name, Math.max(after, indexed));
    } else {
      for (const name of group) {
        complete.set(name, Math.max(inserts.get(name)?.last ?? 0, uniqueIndexes.get(name) ?? 0));
      }
    }
  }
  return moves;
}

/**
 * Returns the strongly connected groups of `names`, each after those that it refers to (Tarjan 1972, with a stack
 * of its own, since a chain of tables may be longer than the call stack).
 */
export function listGroups(
  names: readonly string[],
  listParents: (name: string) => string[],
): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  const groups: string[][] = [];
  const enter = (name: string): { name: string; parents: string[] } => {
    order.set(name, order.size);
    low.set(name, order.get(name) as number);
    open.push(name);
    isOpen.add(name);
    return { name, parents: listParents(name) };
  };
  const lower = (name: string, value: number | undefined): void => {
    low.set(name, Math.min(low.get(name) as number, value as number));
  };
  for (const root of names) {
    if (order.has(root)) continue;
    const stack = [enter(root)];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const parent = top.parents.pop();
      if (parent !== undefined) {
        if (!order.has(parent)) stack.push(enter(parent));
        else if (isOpen.has(parent)) lower(top.name, order.get(parent));
        continue;
      }
      stack.pop();
      const below = stack.at(-1);
      if (below !== undefined) lower(below.name, low.get(top.name));
      if (low.get(top.name) !== order.get(top.name)) continue;
      const group = open.splice(open.indexOf(top.name));
      for (const name of group) isOpen.delete(name);
      groups.push(group);
    }
  }
  return groups;
}

/** Returns the move that a row of `table`, inserted by statement `number`, waits for; undefined if it waits for none. */
export function findMove(
  moves: readonly RowMove[],
  table: string,
  number: number,
): { move: RowMove; staged: StagedTable } | undefined {
  const name = lowerAscii(table);
  for (const move of moves) {
    if (number < move.from || number > move.after) continue;
    const staged = move.tables.find((each) => each.name === name);
    if (staged !== undefined) return { move, staged };
  }
  return undefined;
}
