import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

import { DATASETS } from "./datasets.ts";
import { COMPRESSIONS } from "./measurements.ts";
import type { Results } from "./report.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "bench-test-"));
const JSON_FILE = join(FOLDER, "results.json");
const MARKDOWN_FILE = join(FOLDER, "results.md");

let printed = "";

beforeAll(async () => {
  const bench = join(import.meta.dirname, "bench.ts");
  const files = ["--json", JSON_FILE, "--markdown", MARKDOWN_FILE];
  const run = await promisify(execFile)(process.execPath, [bench, "--short", ...files]);
  printed = run.stdout;
}, 400_000);

afterAll(() => rmSync(FOLDER, { recursive: true }));

test("the short bench measures every kind of database and every compression", () => {
  const results = JSON.parse(readFileSync(JSON_FILE, "utf8")) as Results;
  expect(results.measurements.map((each) => each.dataset)).toEqual(
    DATASETS.filter(({ isSlow }) => isSlow !== true).map(({ name }) => name),
  );
  for (const { rows, bytes, encodeSeconds, uploadSeconds, jobs } of results.measurements) {
    expect(Math.min(rows, bytes, encodeSeconds, uploadSeconds)).toBeGreaterThan(0);
    expect(jobs.map((job) => job.compression)).toEqual([...COMPRESSIONS]);
    for (const job of jobs) {
      expect(job.artifactBytes).toBeGreaterThan(0);
      expect(job.peakMemoryBytes).toBeGreaterThan(0);
      expect(job.isolatePeakBytes).toBeGreaterThan(0);
      expect(job.usage.rowsRead).toBeGreaterThanOrEqual(rows);
      expect(job.usage.steps).toBeGreaterThan(0);
      expect(job.usage.r2ClassAOperations).toBeGreaterThan(0);
    }
  }
  for (const { exportSeconds, proofSeconds, provedSeconds } of results.proofs) {
    expect(Math.min(exportSeconds, proofSeconds)).toBeGreaterThan(0);
    expect(provedSeconds).toBeGreaterThan(proofSeconds);
  }
  expect(results.proofs).toHaveLength(1);
  for (const { nodeSeconds, bucketSeconds, seconds } of results.restores) {
    expect(Math.min(nodeSeconds, bucketSeconds)).toBeGreaterThan(0);
    expect(seconds).toBeGreaterThan(bucketSeconds);
  }
  const [parquet, ...others] = results.parquet;
  expect(others).toEqual([]);
  expect(parquet?.jobs.map(({ format, compression }) => [compression, format])).toEqual(
    COMPRESSIONS.flatMap((compression) => [
      [compression, "ndjson"],
      [compression, "parquet"],
    ]),
  );
  for (const job of parquet?.jobs ?? []) {
    const { seconds, artifactBytes, peakMemoryBytes, isolatePeakBytes } = job;
    expect(Math.min(seconds, artifactBytes, peakMemoryBytes, isolatePeakBytes)).toBeGreaterThan(0);
  }
  expect(results.far.map(({ pagesAhead }) => pagesAhead)).toEqual([1, 4]);
  for (const { secondsByDelay } of results.far) {
    expect(secondsByDelay.map(({ delayMs }) => delayMs)).toEqual([0, 5, 25, 100]);
  }
  const [peers, ...morePeers] = results.peers;
  expect(morePeers).toEqual([]);
  expect(peers?.tools).toHaveLength(4);
  for (const { tool, seconds, failure } of peers?.tools ?? []) {
    expect({ tool, failure, isMeasured: (seconds ?? 0) > 0 }).toEqual({
      tool,
      failure: null,
      isMeasured: true,
    });
  }
  expect(results.writer?.snapshot.writes).toBeGreaterThan(0);
});

test("the short bench prints its tables, and writes the same as Markdown", () => {
  for (const heading of [
    "Seconds",
    "Ratios",
    "Size, memory, cost",
    "Parquet",
    "A writer beside it",
  ]) {
    expect(printed).toContain(`## ${heading}\n`);
  }
  const rows = printed.split("\n").filter((line) => line.startsWith("| 500 tables"));
  expect(rows).toHaveLength(3 + COMPRESSIONS.length);
  expect(readFileSync(MARKDOWN_FILE, "utf8")).toBe(`# Results\n\n${printed.trimEnd()}\n`);
});

test("the bench of fleets measures a small one", async () => {
  const bench = join(import.meta.dirname, "bench.ts");
  const args = [bench, "--fleet", "--tenants", "30", "--json", JSON_FILE];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [fleet, ...others] = (JSON.parse(readFileSync(JSON_FILE, "utf8")) as Results).fleets;
  expect(others).toEqual([]);
  expect(fleet).toMatchObject({ tenants: 30, packs: 1, steps: 4, rows: 1_252 });
  expect(fleet?.bytes).toBeGreaterThan(90_000);
  expect(fleet?.bytes).toBeLessThan(110_000);
  expect(Math.min(fleet?.seconds ?? 0, fleet?.singleSeconds ?? 0)).toBeGreaterThan(0);
  expect(stdout).toContain("## Fleets\n");
}, 400_000);
