import type { Table } from "./catalog.ts";
import { lowerAscii } from "../lib/ascii-case.ts";

/**
 * Returns the tables with every parent before its children, otherwise in their own order. Also
 * returns the names of the tables that cannot be ordered this way: those in a cycle of foreign
 * keys, including self-references.
 */
export function orderByForeignKeys(tables: readonly Table[]): { order: Table[]; cyclic: string[] } {
  const byName = new Map(tables.map((table) => [lowerAscii(table.name), table]));
  const order: Table[] = [];
  const state = new Map<Table, "open" | "done">();
  const cyclic = new Set<string>();

  for (const root of tables) {
    // Depth first with an explicit stack: a chain of tables may be longer than the call stack.
    const stack: { table: Table; parents: Table[] }[] = [];
    const enter = (table: Table): void => {
      state.set(table, "open");
      const parents = table.foreignKeys
        .map((key) => byName.get(lowerAscii(key.parent)))
        .filter((parent) => parent !== undefined);
      stack.push({ table, parents });
    };
    if (!state.has(root)) enter(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as { table: Table; parents: Table[] };
      const parent = top.parents.shift();
      if (parent === undefined) {
        state.set(top.table, "done");
        order.push(top.table);
        stack.pop();
      } else if (!state.has(parent)) {
        enter(parent);
      } else if (state.get(parent) === "open") {
        const from = stack.findIndex((entry) => entry.table === parent);
        for (const entry of stack.slice(from)) cyclic.add(entry.table.name);
      }
    }
  }
  return {
    order,
    cyclic: tables.map((table) => table.name).filter((name) => cyclic.has(name)),
  };
}
