import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";

import docs from "../../../docs/storage-layout.md?raw";

test("docs/storage-layout.md describes every table and column, and no others", async () => {
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  const found = await runInDurableObject(jobs, (_, { storage }) =>
    storage.sql
      .exec<{ name: string; columns: string }>(
        `SELECT m.name, group_concat(x.name) AS columns FROM sqlite_master AS m, pragma_table_info(m.name) AS x
         WHERE m.type = 'table' AND m.name GLOB 'tmp_export_*' GROUP BY m.name`,
      )
      .toArray(),
  );
  const described = [...docs.matchAll(/^### `(\w+)`[^\n]*\n([\s\S]*?)(?=^##)/gm)].map(
    ([, name = "", text = ""]) => ({
      name,
      columns: [...text.matchAll(/^\| (`[^|]*?) *\|/gm)].flatMap(([, cell = ""]) =>
        [...cell.matchAll(/`(\w+)`/g)].map(([, column = ""]) => column),
      ),
    }),
  );
  const sorted = (names: string[]): string[] => names.toSorted((a, b) => (a < b ? -1 : 1));
  expect(sorted(described.map(({ name }) => name))).toEqual(sorted(found.map(({ name }) => name)));
  for (const { name, columns } of found) {
    const text = described.find((each) => each.name === name);
    expect(sorted(text?.columns ?? []), name).toEqual(sorted(columns.split(",")));
  }
});
