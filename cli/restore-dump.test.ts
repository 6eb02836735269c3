import { expect, test } from "vitest";

import { requireRowCounts, type RestoredTable } from "./restore-dump.ts";

const EMPTY: RestoredTable = { name: "b", expectedRows: 0, rows: 1 };

test.each<[string, RestoredTable[]]>([
  [
    '"a" is missing after the restore, but the manifest lists 2',
    [{ name: "a", expectedRows: 2, rows: null }],
  ],
  ['"b" has 1 row after the restore, but the manifest lists 0', [EMPTY]],
  ["(and 1 more table differs)", [EMPTY, EMPTY]],
  ["(and 2 more tables differ)", [EMPTY, EMPTY, EMPTY]],
])("wrong row counts are reported as %s", (words, tables) => {
  expect(() => requireRowCounts(tables)).toThrow(words);
});
