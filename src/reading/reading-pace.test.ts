import { expect, test } from "vitest";

import { planDump } from "../formats/plan-dump.ts";
import { CURSOR_START, type Cursor } from "../rpc/cursor.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../../test/support/node-sqlite-source.ts";
import { readDump } from "./dump-reader.ts";
import { readCatalog } from "./read-catalog.ts";
import { ReadingPace } from "./reading-pace.ts";
import { openLiveReader } from "./table-reader.ts";

test("a reading begins with pages as long as those of the reading before it", async () => {
  const db = openPlatformDatabase();
  db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, a);
    INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
      SELECT i, 'a row of about 40 bytes of text, number ' || i FROM n`);
  const source = nodeSqliteSource(db);
  const catalog = await readCatalog(source);
  const dump = planDump({ source: "main", format: "sql", content: "all" }, catalog);
  const pace = new ReadingPace();
  let cursor: Cursor = CURSOR_START;
  /** The rows of the pages of each reading, which ends after three pages. */
  const readings: number[][] = [];
  for (let reading = 0; reading < 2; reading += 1) {
    const pages: number[] = [];
    const ahead = { pagesMax: 4, pace };
    const pieces = readDump({ ...dump, reader: openLiveReader(source), cursor, ahead });
    for await (const piece of pieces) {
      ({ cursor } = piece);
      if (piece.table === "t" && piece.rows > 0) pages.push(piece.rows);
      if (pages.length === 3) break;
    }
    readings.push(pages);
  }
  const [first = [], second = []] = readings;
  expect(first[0]).toBe(200);
  expect(Math.min(...second)).toBeGreaterThan(5_000);
  expect(pace.table).toMatchObject({ table: "t", isEven: true });
});
