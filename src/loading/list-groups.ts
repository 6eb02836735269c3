/**
 * Returns the strongly connected groups of `names`. Each group follows the groups that it refers to (Tarjan 1972).
 * It keeps its own stack, because a chain of tables may be longer than the call stack.
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
    return { name, parents: [...listParents(name)] };
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
      const group = open.splice(open.lastIndexOf(top.name));
      for (const name of group) isOpen.delete(name);
      groups.push(group);
    }
  }
  return groups;
}
