import { expect, test } from "vitest";

import { readSettings } from "./settings.ts";

const BINDINGS = { EXPORT_WORKFLOW: {}, EXPORT_JOBS: {} };

test.each([
  [undefined, 4],
  ["1", 1],
  ["16", 16],
])("EXPORT_PAGES_AHEAD %j allows %i pages", (value, pages) => {
  const vars = value === undefined ? {} : { EXPORT_PAGES_AHEAD: value };
  expect(readSettings({ ...BINDINGS, ...vars }).pagesAhead).toBe(pages);
});

test.each(["0", "17", "2.5", "many", ""])("EXPORT_PAGES_AHEAD %j is refused by name", (value) => {
  expect(() => readSettings({ ...BINDINGS, EXPORT_PAGES_AHEAD: value })).toThrow(
    /EXPORT_PAGES_AHEAD: expected/,
  );
});
