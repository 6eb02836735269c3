import { env } from "cloudflare:workers";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";

import { decompressZstd } from "../../cli/zstd-frames.ts";
import { planOf } from "../../src/dump/plan-of.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import { CURSOR_START } from "../../src/model/cursor.ts";
import {
  type Compression,
  CompressionSchema,
  type ExportFormat,
  ExportFormatSchema,
} from "../../src/model/export-request.ts";
import { durableObjectSource } from "../../src/source/durable-object-source.ts";
import { readDump } from "../../src/source/dump-reader.ts";
import { readCatalog } from "../../src/source/read-catalog.ts";
import { liveReader } from "../../src/source/table-reader.ts";
import { COMPRESSED } from "../../src/storage/compressor.ts";
import { api, emptyDatabase, ended, query, sha256Of, startExport } from "../support/api.ts";

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

/** A format's files as one pass over the pages makes them, without job, parts and store. */
async function filesOf(format: ExportFormat): Promise<Map<string, Uint8Array>> {
  const stub = env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");
  const source = durableObjectSource(() => stub);
  const request = { source: "main", format, content: "all" } as const;
  const { plan, encoderOf } = planOf(request, await readCatalog(source));
  const pieces = new Map<string, Uint8Array[]>(plan.artifacts.map(({ name }) => [name, []]));
  const reader = liveReader(source);
  for await (const piece of readDump({ reader, plan, encoderOf, cursor: CURSOR_START })) {
    // A page's bytes may stand where the next one will.
    pieces.get(plan.artifacts[piece.artifact]?.name ?? "")?.push(concatBytes(piece.bytes));
  }
  return new Map([...pieces].map(([name, each]) => [name, concatBytes(each)]));
}

async function opened(bytes: Uint8Array, compression: Compression): Promise<Uint8Array> {
  if (compression === "gzip") return new Uint8Array(gunzipSync(bytes));
  if (compression === "none") return bytes;
  const frames: Uint8Array[] = [];
  const all = (async function* () {
    yield Buffer.from(bytes);
  })();
  for await (const frame of decompressZstd(all)) frames.push(frame);
  return concatBytes(frames);
}

/** What every format and compression must give, whichever store the Worker under test has. */
export function formatsContract(store: string): void {
  describe(`into ${store}`, () => {
    const expected = new Map<ExportFormat, Map<string, Uint8Array>>();

    beforeAll(async () => {
      await emptyDatabase();
      await query(...DATABASE);
      for (const format of ExportFormatSchema.options) expected.set(format, await filesOf(format));
    });

    describe.each(ExportFormatSchema.options)("%s", (format) => {
      test.each(CompressionSchema.options)(
        "compressed by %s has the same bytes",
        async (compression) => {
          const { jobId } = await startExport({ format, compression });
          const view = await ended(jobId);
          expect(view).toMatchObject({ status: "completed", error: null, warnings: [] });
          const files = [...(expected.get(format) ?? [])];
          const { suffix } = COMPRESSED[compression];
          expect(view.artifacts.map(({ name }) => name)).toEqual(
            files.map(([name]) => `${name}${suffix}`),
          );
          for (const [at, [name, bytes]] of files.entries()) {
            const path = `/export/dump/${jobId}/download/${encodeURIComponent(`${name}${suffix}`)}`;
            const stored = new Uint8Array(await (await api(path)).arrayBuffer());
            expect(await sha256Of(stored)).toBe(view.artifacts[at]?.sha256);
            const text = await opened(stored, compression);
            expect(Buffer.compare(text, bytes), name).toBe(0);
          }
          await (await api(`/export/dump/${jobId}`, { method: "DELETE" })).body?.cancel();
        },
      );
    });
  });
}
