import { env, runInDurableObject } from "cloudflare:test";
import { gunzipSync } from "node:zlib";
import * as v from "valibot";
import { afterEach, beforeAll, describe, expect, test } from "vitest";

import { type Manifest, ManifestSchema, type ManifestV2 } from "../../src/api/manifest.ts";
import { VERSION } from "../../src/api/version.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import { ENCODING_VERSION } from "../../src/formats/plan-digest.ts";
import { planManifestDump } from "../../src/formats/plan-manifest-dump.ts";
import { getLedger } from "../../src/jobs/views/job-ledger.ts";
import { makeManifest } from "../../src/workflows/export/make-manifest.ts";
import {
  COMPARE_START,
  type CompareCursor,
  comparePieces,
} from "../../src/workflows/restore/compare-pieces.ts";
import { api, download, ended, fillNoise, query, sha256Of, startExport } from "../support/api.ts";
import { inJobs } from "../support/writing-job.ts";

const vars = env as unknown as Record<string, string>;
const oneTurnBytes = vars["EXPORT_ONE_TURN_BYTES"] ?? "";

beforeAll(() => fillNoise({ rows: 300, rowBytes: 10_000 }));

afterEach(() => {
  vars["EXPORT_ONE_TURN_BYTES"] = oneTurnBytes;
});

async function exportWith(body: object): Promise<{ jobId: string; manifest: ManifestV2 }> {
  const { jobId } = await startExport(body);
  expect(await ended(jobId)).toMatchObject({ status: "completed" });
  const answer = await (await api(`/export/dump/${jobId}/manifest`)).json();
  const manifest = v.parse(ManifestSchema, answer);
  if (manifest.version !== 2) throw new Error(`the manifest has version ${manifest.version}`);
  return { jobId, manifest };
}

const chunksOf = (manifest: ManifestV2) => manifest.artifacts.flatMap(({ chunks }) => chunks);

describe("a manifest", () => {
  test("names what its dump's text depends on", async () => {
    const tables = { include: ["t"] };
    const { manifest } = await exportWith({ tables, content: "data" });
    expect(manifest).toMatchObject({
      version: 2,
      encoding: ENCODING_VERSION,
      request: { source: "main", content: "data", tables },
      writer: { version: VERSION, stage: "tmp_export_stage" },
    });
  });

  test("without compression has the same hash of text and bytes", async () => {
    const chunks = chunksOf((await exportWith({})).manifest);
    expect(chunks.length).toBeGreaterThan(1);
    for (const { bytes, sha256, textBytes, textSha256 } of chunks) {
      expect([textBytes, textSha256]).toEqual([bytes, sha256]);
    }
  });

  test("with compression has the hash of each chunk's text", async () => {
    const { jobId, manifest } = await exportWith({ compression: "gzip" });
    const file = await download(jobId);
    let offset = 0;
    for (const { bytes, textBytes, textSha256 } of chunksOf(manifest)) {
      const frames = file.slice(offset, offset + bytes);
      // A chunk may add nothing to its file.
      const text = bytes === 0 ? frames : new Uint8Array(gunzipSync(frames));
      expect([text.byteLength, await sha256Of(text)]).toEqual([textBytes, textSha256]);
      offset += bytes;
    }
    expect(offset).toBe(file.byteLength);
  });

  test("has the text of files that are put whole, and of a database that is read in one turn", async () => {
    vars["EXPORT_ONE_TURN_BYTES"] = String(32 * 1024 * 1024);
    for (const body of [{ format: "csv", tables: { exclude: ["t"] } }, { content: "schema" }]) {
      await query("CREATE TABLE IF NOT EXISTS small(a)");
      const chunks = chunksOf((await exportWith(body)).manifest);
      expect(chunks.length).toBeGreaterThan(0);
      for (const { bytes, sha256, textBytes, textSha256 } of chunks) {
        expect([textBytes, textSha256]).toEqual([bytes, sha256]);
      }
    }
  });

  test.each([
    "UPDATE tmp_export_job_chunks SET text_bytes = NULL, text_sha256 = NULL WHERE job_id = ?",
    "UPDATE tmp_export_jobs SET writer_json = NULL WHERE job_id = ?",
  ])("has version 1 if an earlier version did a part of its job: %s", async (sql) => {
    const { jobId, manifest: published } = await exportWith({ content: "schema" });
    await inJobs(sql, jobId);
    const manifest: Manifest = await runInDurableObject(
      env.EXPORT_JOBS.getByName("jobs"),
      (_, { storage }) => makeManifest(getLedger(storage.sql, jobId), 0),
    );
    expect(v.parse(ManifestSchema, manifest).version).toBe(1);
    expect(manifest.artifacts[0]?.sha256).toBe(published.artifacts[0]?.sha256);
  });
});

test("a database is compared with its dump in steps, and a writer's change is found", async () => {
  const { manifest } = await exportWith({ compression: "zstd" });
  const source = durableObjectSource(() =>
    env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object"),
  );
  const compareFrom = (from: CompareCursor) =>
    comparePieces(source, {
      manifest,
      artifact: 0,
      planDump: (catalog) => planManifestDump(manifest, catalog),
      from,
      textBytesMax: 1,
      beat: async () => {},
    });
  const first = await compareFrom(COMPARE_START);
  expect(first).toMatchObject({ pieces: 1, difference: null });
  let step = first;
  let pieces = 1;
  while (step.next !== null) {
    step = await compareFrom(step.next);
    pieces += step.pieces;
  }
  expect(step.difference).toBeNull();
  expect(pieces).toBe(chunksOf(manifest).length);

  await query("UPDATE t SET rowid = rowid + 100000 WHERE rowid = (SELECT max(rowid) FROM t)");
  let changed = first;
  while (changed.next !== null) changed = await compareFrom(changed.next);
  expect(changed.difference).toMatchObject({ table: "t" });
});
