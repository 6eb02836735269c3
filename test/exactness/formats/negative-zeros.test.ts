import { expect, test } from "vitest";

import { exportDatabase } from "../../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../../support/node-sqlite-source.ts";

const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("utf8");

test.each([
  ["csv", '"id","low","high","other"\r\n1,-0.0,0.0,-0.0\r\n'],
  ["json", '[\n{"id":1,"low":-0.0,"high":0.0,"other":-0.0}\n]\n'],
] as const)(
  "%s keeps the negative zeros of an R-Tree, however its rows are read",
  async (format, expected) => {
    const db = openPlatformDatabase();
    db.exec(`CREATE VIRTUAL TABLE boxes USING rtree(id, low, high, +other);
    INSERT INTO boxes VALUES (1, -0.0, 0.0, -0.0)`);
    const source = nodeSqliteSource(db);
    const inPages = await exportDatabase(source, undefined, { format });
    const byCells = await exportDatabase(
      source,
      { isTooBig: () => true, isChunkEnd: () => false },
      { format },
    );
    expect(textOf(inPages.files[0]?.bytes)).toBe(expected);
    expect(textOf(byCells.files[0]?.bytes)).toBe(expected);
  },
);
