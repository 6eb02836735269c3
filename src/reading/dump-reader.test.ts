import { expect, test } from "vitest";

import { planDump } from "../formats/plan-dump.ts";
import { concatBytes } from "../lib/bytes.ts";
import { CURSOR_START } from "../rpc/cursor.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../../test/support/node-sqlite-source.ts";
import { readDump } from "./dump-reader.ts";
import { readCatalog } from "./read-catalog.ts";
import { openLiveReader, type TableReader } from "./table-reader.ts";

/** Two large tables, small ones between them, and how to read them. */
async function openDump() {
  const db = openPlatformDatabase();
  const fill = (table: string, rows: number, text: number) =>
    db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
      INSERT INTO ${table} SELECT i * 3, hex(zeroblob(${text})) FROM n`);
  for (const table of ["a", "b", "c", "d"]) {
    db.exec(`CREATE TABLE ${table}(id INTEGER PRIMARY KEY, v)`);
  }
  fill("a", 5_000, 300);
  fill("b", 10, 10);
  fill("d", 3_000, 600);
  const source = nodeSqliteSource(db);
  const request = { source: "main", format: "sql", content: "all" } as const;
  const { plan, createEncoder } = planDump(request, await readCatalog(source));
  const live = openLiveReader(source);
  const count = { pages: 0, underWay: 0, mostUnderWay: 0 };
  const reader: TableReader = {
    ...live,
    extent: ({ name }) => ({ lastKey: { a: 15_000n, b: 30n, d: 9_000n }[name] ?? 0n }),
    readRows: async (table, build) => {
      count.pages += 1;
      count.underWay += 1;
      count.mostUnderWay = Math.max(count.mostUnderWay, count.underWay);
      await turn();
      count.underWay -= 1;
      return live.readRows(table, build);
    },
  };
  let ms = 0;
  // Each look at the clock finds it later: the database seems to be far away.
  const nowMs = (): number => (ms += 100);
  return { count, input: { reader, plan, createEncoder, cursor: CURSOR_START }, nowMs };
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test.each([2, 4, 16])(
  "a dump read %i pages ahead has the bytes of one read page by page",
  async (max) => {
    const dumps: Uint8Array[] = [];
    for (const pagesMax of [1, max]) {
      const { count, input, nowMs } = await openDump();
      const pieces: Uint8Array[] = [];
      for await (const piece of readDump({ ...input, ahead: { pagesMax, nowMs } })) {
        pieces.push(...piece.bytes.map((bytes) => bytes.slice()));
        piece.release();
      }
      expect(count.mostUnderWay).toBeLessThanOrEqual(pagesMax);
      dumps.push(concatBytes(pieces));
    }
    expect(Buffer.compare(dumps[0] as Uint8Array, dumps[1] as Uint8Array)).toBe(0);
  },
);

test("a dump resumes at the end of any piece that was read ahead", async () => {
  const { input, nowMs } = await openDump();
  const ahead = { pagesMax: 4, nowMs };
  const whole: Uint8Array[] = [];
  for await (const piece of readDump({ ...input, ahead })) {
    whole.push(...piece.bytes.map((bytes) => bytes.slice()));
  }
  const resumed: Uint8Array[] = [];
  let cursor = input.cursor;
  for (let ends = false; !ends;) {
    let read = 0;
    for await (const piece of readDump({ ...input, cursor, ahead })) {
      resumed.push(...piece.bytes.map((bytes) => bytes.slice()));
      ({ cursor, ends } = piece);
      if ((read += 1) === 3) break;
    }
  }
  expect(Buffer.compare(concatBytes(whole), concatBytes(resumed))).toBe(0);
});

test("nothing is requested after the caller has stopped", async () => {
  const { count, input, nowMs } = await openDump();
  let pieces = 0;
  for await (const piece of readDump({ ...input, ahead: { pagesMax: 4, nowMs } })) {
    if (piece.rows > 0 && (pieces += 1) === 5) break;
  }
  const { pages } = count;
  for (let turns = 0; turns < 20; turns += 1) await turn();
  expect(count.pages).toBe(pages);
});

test("no page is requested ahead that nobody needs", async () => {
  const { count, input, nowMs } = await openDump();
  const demand = () => ({ bytes: 0, artifacts: 0 });
  for await (const _ of readDump({ ...input, ahead: { pagesMax: 4, nowMs, demand } }));
  expect(count.mostUnderWay).toBe(1);
});
