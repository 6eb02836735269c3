import { env } from "cloudflare:workers";
import { expect, test } from "vitest";

import { openCopy, restore } from "../support/restores.ts";

const { EXPORT_R2_BUCKET: bucket } = env as unknown as { EXPORT_R2_BUCKET: R2Bucket };

const ROWS = 6_000;

/** Per row: staged, looked for and inserted, with each of its keys looked up. */
const READS_PER_ROW_MAX = 25;

const TABLES: [string, string][] = [
  ["untyped columns refer to integers", "id INTEGER PRIMARY KEY, p REFERENCES t(id)"],
  ["texts refer to numbers", "id NUMERIC UNIQUE, p TEXT REFERENCES t(id)"],
  ["integers refer to integers", "id INTEGER PRIMARY KEY, p INTEGER REFERENCES t(id)"],
  ["CHECKs name other columns", "id INTEGER PRIMARY KEY, p REFERENCES t(id) CHECK (id > 0)"],
];

const ORDERS: [string, (row: number) => number][] = [
  ["one ring", (row) => (row % ROWS) + 1],
  ["pairs", (row) => (row % 2 === 0 ? row - 1 : row + 1)],
];

const cases = TABLES.flatMap(([title, columns]) =>
  ORDERS.map(([order, parentOf]) => ({ title, columns, order, parentOf })),
);

test.each(cases)(
  "a restore of $order, if $title, reads a bounded number of rows per row",
  async ({ title, columns, order, parentOf }) => {
    const rows = Array.from({ length: ROWS }, (_, at) => `(${at + 1},${parentOf(at + 1)})`);
    const key = `${title} ${order}.sql`;
    await bucket.put(key, `CREATE TABLE t(${columns});INSERT INTO t VALUES${rows.join(",")};`);
    const view = await restore({ from: { object: key }, target: "copies", name: key });
    expect(view).toMatchObject({ status: "completed", error: null });
    expect(view.usage.rowsRead).toBeLessThan(READS_PER_ROW_MAX * ROWS);
    const { rows: left } = await openCopy(key).query({
      sql: "SELECT count(*), sum(p) FROM t UNION ALL SELECT count(*), 0 FROM pragma_foreign_key_check('t')",
    });
    const sum = (ROWS * (ROWS + 1)) / 2;
    expect(left.map((row) => row.map(Number))).toEqual([
      [ROWS, sum],
      [0, 0],
    ]);
  },
);
