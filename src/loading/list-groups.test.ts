import * as fc from "fast-check";
import { expect, test } from "vitest";

import { listGroups } from "./list-groups.ts";

const COUNT = 8;
const names = Array.from({ length: COUNT }, (_, at) => `t${at}`);
const arrows = fc.array(fc.tuple(fc.nat(COUNT - 1), fc.nat(COUNT - 1)), { maxLength: 20 });

test("names are in one group if each reaches the other, and groups come after those that they refer to", () => {
  fc.assert(
    fc.property(arrows, (pairs) => {
      const listParents = (name: string): string[] =>
        pairs.flatMap(([from, to]) => (`t${from}` === name ? [`t${to}`] : []));
      const reach = new Map(names.map((name) => [name, new Set([name])]));
      for (let round = 0; round < COUNT; round += 1) {
        for (const reached of reach.values()) {
          for (const name of reached) for (const parent of listParents(name)) reached.add(parent);
        }
      }
      const groups = listGroups(names, listParents);
      expect(groups.flat().sort()).toEqual(names);
      const placeOf = (name: string): number => groups.findIndex((group) => group.includes(name));
      for (const one of names) {
        for (const other of names) {
          const isForward = reach.get(one)?.has(other) === true;
          const isBackward = reach.get(other)?.has(one) === true;
          expect(placeOf(one) === placeOf(other)).toBe(isForward && isBackward);
          if (isForward) expect(placeOf(other)).toBeLessThanOrEqual(placeOf(one));
        }
      }
    }),
  );
});

test("a chain longer than the call stack is no problem", () => {
  const chain = Array.from({ length: 50_000 }, (_, at) => String(at));
  const groups = listGroups(chain, (name) => (name === "49999" ? [] : [String(Number(name) + 1)]));
  expect(groups[0]).toEqual(["49999"]);
});
