import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";

import { concatBytes } from "../../src/lib/bytes.ts";
import {
  type Compression,
  CompressionSchema,
  type ExportFormat,
  ExportFormatSchema,
} from "../../src/api/export-request.ts";
import { COMPRESSIONS, findFileCompression } from "../../src/api/compressions.ts";
import { FORMATS } from "../../src/api/formats.ts";
import { inflate } from "../../src/loading/inflate.ts";
import { api, emptyDatabase, ended, query, sha256Of, startExport } from "../support/api.ts";
import { directFiles } from "../support/direct-files.ts";

/** Tables of every length, with values that each format writes in a way of its own. */
const DATABASE = [
  "CREATE TABLE long(id INTEGER PRIMARY KEY, note TEXT, x REAL)",
  `INSERT INTO long WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
   SELECT i, 'row ' || i || ', of "O''Hara"' || char(10) || hex(randomblob(90)), i / 7.0 FROM n`,
  "CREATE TABLE short(a, b BLOB, c TEXT)",
  `INSERT INTO short VALUES (9007199254740993, X'00FF', 'ü, "q"'), (-0.0, NULL, ''),
   (9e999, X'', 'a' || char(0) || 'b'), (0.1, X'0D0A', char(13, 10))`,
  'CREATE TABLE "no rows"(a, b)',
];

async function opened(bytes: Uint8Array, compression: Compression): Promise<Uint8Array> {
  if (compression === "gzip") return new Uint8Array(gunzipSync(bytes));
  if (compression === "none") return bytes;
  const frames: Uint8Array[] = [];
  const all = (async function* () {
    yield Buffer.from(bytes);
  })();
  for await (const frame of inflate(all, compression)) frames.push(frame);
  return concatBytes(frames);
}

/** What every format and compression must give, whichever store the Worker under test has. */
export function formatsContract(store: string): void {
  describe(`into ${store}`, () => {
    const expected = new Map<ExportFormat, Map<string, Uint8Array>>();

    beforeAll(async () => {
      await emptyDatabase();
      await query(...DATABASE);
      for (const format of ExportFormatSchema.options)
        expected.set(format, await directFiles(format));
    });

    describe.each(ExportFormatSchema.options)("%s", (format) => {
      test.each(CompressionSchema.options)(
        "compressed by %s has the same bytes",
        async (compression) => {
          const { jobId } = await startExport({ format, compression });
          const view = await ended(jobId);
          expect(view).toMatchObject({ status: "completed", error: null });
          // A column of a Parquet file has one type.
          expect(view.warnings).toHaveLength(format === "parquet" ? 1 : 0);
          const compressesInside = FORMATS[format].compressesInside;
          const direct = compressesInside
            ? await directFiles(format, compression)
            : expected.get(format);
          const files = [...(direct ?? [])];
          const { suffix } = COMPRESSIONS[findFileCompression({ format, compression })];
          expect(view.artifacts.map(({ name }) => name)).toEqual(
            files.map(([name]) => `${name}${suffix}`),
          );
          for (const [at, [name, bytes]] of files.entries()) {
            const path = `/export/dump/${jobId}/download/${encodeURIComponent(`${name}${suffix}`)}`;
            const stored = new Uint8Array(await (await api(path)).arrayBuffer());
            expect(await sha256Of(stored)).toBe(view.artifacts[at]?.sha256);
            const text = compressesInside ? stored : await opened(stored, compression);
            expect(Buffer.compare(text, bytes), name).toBe(0);
          }
          await (await api(`/export/dump/${jobId}`, { method: "DELETE" })).body?.cancel();
        },
      );
    });
  });
}
