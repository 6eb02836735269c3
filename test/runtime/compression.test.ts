import { gunzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";

import { PART_BYTES_MIN } from "../../src/api/limits.ts";
import { download, ended, fillNoise, sha256Of, startExport } from "../support/api.ts";

beforeAll(() => fillNoise({ rows: 1_100, rowBytes: 10_000 }));

test("an export compressed by gzip opens to the bytes of one that is not", async () => {
  const plain = await ended((await startExport()).jobId);
  const view = await ended((await startExport({ compression: "gzip" })).jobId);
  expect(view).toMatchObject({ status: "completed", compression: "gzip" });
  const [artifact] = view.artifacts;
  expect(artifact).toMatchObject({ name: "dump.sql.gz", contentType: "application/gzip" });
  const bytes = await download(view.jobId);
  expect(bytes.byteLength).toBe(artifact?.bytes);
  expect(bytes.byteLength).toBeGreaterThan(2 * PART_BYTES_MIN);
  expect(await sha256Of(bytes)).toBe(artifact?.sha256);
  expect(await sha256Of(new Uint8Array(gunzipSync(bytes)))).toBe(plain.artifacts[0]?.sha256);
  expect(view.tables).toEqual(plain.tables);
});

test("an export of a schema alone is compressed too", async () => {
  const view = await ended((await startExport({ compression: "gzip", content: "schema" })).jobId);
  const bytes = await download(view.jobId);
  expect(new TextDecoder().decode(gunzipSync(bytes))).toContain("CREATE TABLE t");
});
