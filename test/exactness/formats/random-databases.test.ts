import { env } from "node:process";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { ExportFormat } from "../../../src/api/export-request.ts";
import { exportDatabase, randomCutting } from "../../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../../support/node-sqlite-source.ts";
import { buildDatabase, databaseArbitrary, scriptOf } from "../../support/random-database.ts";
import { csvRows, type FileValue, jsonRows, tableRows } from "../../support/read-files.ts";

const databases = Number(env["FORMATS_RUNS"] ?? 100);
const seed = Number(env["FORMATS_SEED"] ?? 20_261_124);

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const READERS: Record<
  Exclude<ExportFormat, "sql" | "parquet">,
  (bytes: Uint8Array) => Record<string, FileValue>[]
> = {
  csv: csvRows,
  json: (bytes) => jsonRows(strict.decode(bytes)),
  ndjson: (bytes) => {
    const lines = strict.decode(bytes).split("\n");
    expect(lines.pop()).toBe("");
    return lines.flatMap((line) => jsonRows(`[${line}]`));
  },
};

test.each(Object.entries(READERS))(
  `%s holds every value of ${databases} random databases, wherever pages and chunks end (seed ${seed})`,
  async (format, read) => {
    await fc.assert(
      fc.asyncProperty(databaseArbitrary, fc.nat(), async (shape, cutting) => {
        const db = openPlatformDatabase();
        try {
          buildDatabase(db, scriptOf(shape));
          const source = nodeSqliteSource(db);
          const request = { format: format as ExportFormat };
          const whole = await exportDatabase(source, undefined, request);
          const cut = await exportDatabase(source, randomCutting(cutting), request);
          expect(cut.files).toEqual(whole.files);
          expect(cut.replacements).toBe(whole.replacements);
          const isNamed = (name: string): boolean =>
            whole.warnings.some((warning) =>
              warning.startsWith(`table "${name.replaceAll('"', '""')}" is left out`),
            );
          for (const table of whole.catalog.tables) {
            const file = whole.files.find((each) => each.table === table.name);
            expect(file !== undefined || isNamed(table.name)).toBe(true);
            if (file === undefined) continue;
            expect(sorted(read(file.bytes))).toEqual(sorted(tableRows(db, table)));
          }
        } finally {
          db.close();
        }
      }),
      { numRuns: databases, seed },
    );
  },
);

function sorted(rows: Record<string, FileValue>[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
