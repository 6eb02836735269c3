import { arch, cpus, release, totalmem } from "node:os";

import { DOLLARS } from "./costs.ts";
import type { FarMeasurement } from "./far-measurements.ts";
import type { FleetMeasurement } from "./fleet-measurements.ts";
import type { Measurement } from "./measurements.ts";
import type { ParquetMeasurement } from "./parquet-measurements.ts";
import { parquetLines } from "./parquet-report.ts";
import type { PeersMeasurement } from "./peers.ts";
import type { ProofMeasurement } from "./proof-measurements.ts";
import { megabytes, NOTHING, percent, ratio, seconds, table } from "./report-table.ts";
import type { RestoreMeasurement } from "./restore-measurements.ts";
import type { WriterLatency } from "./writer-latency.ts";

/** Everything one run measured. */
export interface Results {
  measuredAt: string;
  machine: { processor: string; cores: number; memoryBytes: number; system: string };
  /** `sqlite3` is null if the shell is not installed. */
  versions: { node: string; workerd: string; sqlite3: string | null };
  rounds: number;
  measurements: Measurement[];
  parquet: ParquetMeasurement[];
  far: FarMeasurement[];
  restores: RestoreMeasurement[];
  proofs: ProofMeasurement[];
  fleets: FleetMeasurement[];
  peers: PeersMeasurement[];
  writer: WriterLatency | null;
}

/** The machine of a run. Figures from two machines cannot be compared, but their ratios can. */
export function describeMachine(): Results["machine"] {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()} ${arch()}`,
  };
}

const GB = 1e9;

/** The results as Markdown tables. */
export function renderMarkdown(results: Results): string {
  const { machine, versions } = results;
  return [
    `Measured ${results.measuredAt.slice(0, 10)} on ${machine.processor}, ${machine.cores} cores, ` +
      `${(machine.memoryBytes / GB).toFixed(0)} GB, ${machine.system}; Node ${versions.node}, ` +
      `workerd ${versions.workerd}, sqlite3 ${versions.sqlite3 ?? "(none)"}; medians of ${results.rounds} rounds. ` +
      "Seconds are this machine's; read the ratios.",
    ...exportLines(results.measurements),
    ...parquetLines(results.parquet),
    ...farLines(results.far),
    ...restoreLines(results.restores),
    ...proofLines(results.proofs),
    ...fleetLines(results.fleets),
    ...peerLines(results.peers),
    ...(results.writer === null ? [] : writerLines(results.writer)),
    "",
  ].join("\n");
}

function exportLines(measurements: readonly Measurement[]): string[] {
  if (measurements.length === 0) return [];
  return [
    "",
    "## Seconds",
    "",
    table(
      [
        "database",
        "SQL text",
        "rows",
        "encode",
        "`.dump`",
        "`.dump \\| gzip`",
        "bare upload",
      ].concat(measurements[0]?.jobs.map((job) => `job, ${job.compression}`) ?? [], "spread"),
      measurements.map((each) => [
        each.dataset,
        megabytes(each.bytes),
        each.rows.toLocaleString("en"),
        ...[
          each.encodeSeconds,
          each.shellDumpSeconds,
          each.shellGzipSeconds,
          each.uploadSeconds,
        ].map(seconds),
        ...each.jobs.map((job) => seconds(job.seconds)),
        `± ${percent(each.spread, 1)}`,
      ]),
    ),
    "",
    "The spread is how far a single round was from the median of its column at most.",
    "",
    "## Ratios",
    "",
    "Encoding's throughput against `.dump` (more is better); a compressed job's time against `.dump | gzip`, an",
    "uncompressed one's against bare upload and encoding one after the other (less is better).",
    "",
    table(
      ["database", "encode : `.dump`"].concat(
        measurements[0]?.jobs.map((job) => `job, ${job.compression}`) ?? [],
      ),
      measurements.map((each) => [
        `${each.dataset}, ${megabytes(each.bytes)}`,
        ratio(each.shellDumpSeconds, each.encodeSeconds),
        ...each.jobs.map((job) =>
          ratio(
            job.seconds,
            job.compression === "none"
              ? each.uploadSeconds + each.encodeSeconds
              : each.shellGzipSeconds,
          ),
        ),
      ]),
    ),
    "",
    "## Size, memory, cost",
    "",
    "Peak memory covers the runtime's process, including the simulated bucket. The isolate's covers only Worker, Workflow",
    "and objects, in a separate job. Operations are counted as in the job view, per GB of SQL text. Dollars are their price",
    "beyond what a plan includes.",
    "",
    table(
      [
        "job",
        "file",
        "peak memory",
        "isolate's",
        "rows read a row",
        "rows written / GB",
        "steps / GB",
        "Class A / GB",
        "$ / GB",
      ],
      measurements.flatMap((each) => [
        [
          `${each.dataset}, ${megabytes(each.bytes)}, bare upload`,
          megabytes(each.bytes),
          megabytes(each.uploadPeakMemoryBytes),
          ...Array.from({ length: 6 }, () => NOTHING),
        ],
        ...each.jobs.map((job) => {
          const perGb = (count: number): string => Math.round((count * GB) / each.bytes).toString();
          const { rowsRead, rowsWritten, steps, r2ClassAOperations } = job.usage;
          const dollars =
            rowsRead * DOLLARS.rowRead +
            rowsWritten * DOLLARS.rowWritten +
            steps * DOLLARS.step +
            r2ClassAOperations * DOLLARS.r2ClassA;
          return [
            `${each.dataset}, ${megabytes(each.bytes)}, ${job.compression}`,
            megabytes(job.artifactBytes),
            megabytes(job.peakMemoryBytes),
            megabytes(job.isolatePeakBytes),
            (rowsRead / Math.max(1, each.rows)).toFixed(3),
            perGb(rowsWritten),
            perGb(steps),
            perGb(r2ClassAOperations),
            ((dollars * GB) / each.bytes).toFixed(4),
          ];
        }),
      ]),
    ),
  ];
}

function farLines(far: readonly FarMeasurement[]): string[] {
  const [first] = far;
  if (first === undefined) return [];
  const delays = first.secondsByDelay.map(({ delayMs }) => `${delayMs} ms`);
  return [
    "",
    "## Far away",
    "",
    "Seconds of a job if each call of the database and of the bucket takes longer, and the throughput that it keeps.",
    "",
    table(
      ["job", "pages at a time", ...delays],
      far.map((each) => {
        const near = each.secondsByDelay[0]?.seconds ?? null;
        return [
          `${each.dataset}, ${megabytes(each.bytes)}, ${each.compression}`,
          String(each.pagesAhead),
          ...each.secondsByDelay.map(
            (at) => `${seconds(at.seconds)} (${percent(near, at.seconds)})`,
          ),
        ];
      }),
    ),
  ];
}

function restoreLines(restores: readonly RestoreMeasurement[]): string[] {
  if (restores.length === 0) return [];
  return [
    "",
    "## Restores",
    "",
    "Into a fresh Durable Object. `node:sqlite` loads the same script into a new file in one transaction; the ratio is the",
    "restore's time without verification against it (less is better). A restore reads its file twice: `bucket` is what",
    "that takes in the simulated bucket, without anything else.",
    "",
    table(
      [
        "script",
        "SQL text",
        "`node:sqlite`",
        "bucket",
        "restore",
        "ratio",
        "MB / s",
        "restore, verified",
        "peak memory",
        "isolate's",
      ],
      restores.map((each) => [
        each.script,
        megabytes(each.bytes),
        seconds(each.nodeSeconds),
        seconds(each.bucketSeconds),
        seconds(each.seconds),
        ratio(each.seconds, each.nodeSeconds),
        (each.bytes / 1e6 / each.seconds).toFixed(1),
        seconds(each.verifiedSeconds),
        megabytes(each.peakMemoryBytes),
        megabytes(each.isolatePeakBytes),
      ]),
    ),
  ];
}

function proofLines(proofs: readonly ProofMeasurement[]): string[] {
  if (proofs.length === 0) return [];
  return [
    "",
    "## Proofs",
    "",
    "A plain dump that is proved by a restore. The ratio is the proof's time against the export's (less is better).",
    "",
    table(
      ["database", "SQL text", "export", "export and proof", "proof", "ratio", "isolate's peak"],
      proofs.map((each) => [
        each.dataset,
        megabytes(each.bytes),
        seconds(each.exportSeconds),
        seconds(each.provedSeconds),
        seconds(each.proofSeconds),
        ratio(each.proofSeconds, each.exportSeconds),
        megabytes(each.isolatePeakBytes),
      ]),
    ),
  ];
}

/** What a fleet of 10,000 tenants may take. */
const FLEET_BOUNDS = {
  msATenant: 60,
  steps: 1_000,
  r2ClassAOperations: 2_000,
  rowsWrittenATenant: 2,
};

function fleetLines(fleets: readonly FleetMeasurement[]): string[] {
  if (fleets.length === 0) return [];
  return [
    "",
    "## Fleets",
    "",
    "One round. The ratio is a tenant's time in the fleet against the time of its own export job (less is better). The last",
    `four columns are shares of the bounds for 10,000 tenants: ${FLEET_BOUNDS.msATenant} ms and ` +
      `${FLEET_BOUNDS.rowsWrittenATenant} rows written a tenant, ${FLEET_BOUNDS.steps.toLocaleString("en")} steps, ` +
      `${FLEET_BOUNDS.r2ClassAOperations.toLocaleString("en")} Class A operations.`,
    "",
    table(
      ["tenants", "file", "rows", "fleet", "ms each", "own export, ms", "ratio"].concat(
        ["packs", "steps", "Class A", "rows read each", "rows written each", "peak memory"],
        ["time", "steps", "Class A", "rows written"],
      ),
      fleets.map((each) => {
        const msEach = (each.seconds * 1_000) / each.tenants;
        const singleMs = each.singleSeconds * 1_000;
        const writtenEach = each.rowsWritten / each.tenants;
        return [
          each.tenants.toLocaleString("en"),
          megabytes(each.bytes),
          each.rows.toLocaleString("en"),
          seconds(each.seconds),
          msEach.toFixed(1),
          singleMs.toFixed(0),
          ratio(msEach, singleMs),
          String(each.packs),
          String(each.steps),
          String(each.r2ClassAOperations),
          (each.rowsRead / each.tenants).toFixed(0),
          writtenEach.toFixed(3),
          megabytes(each.peakMemoryBytes),
          ratio(msEach, FLEET_BOUNDS.msATenant),
          ratio(each.steps, FLEET_BOUNDS.steps),
          ratio(each.r2ClassAOperations, FLEET_BOUNDS.r2ClassAOperations),
          ratio(writtenEach, FLEET_BOUNDS.rowsWrittenATenant),
        ];
      }),
    ),
  ];
}

function peerLines(peers: readonly PeersMeasurement[]): string[] {
  if (peers.length === 0) return [];
  return [
    "",
    "## Beside other tools",
    "",
    "Each tool exports the same database, without compression. The seconds of `wrangler d1 export` include its own start.",
    "This package verifies what it has written, which is part of its seconds. StarbaseDB's dump is a stand-in that does",
    "the same: one SELECT for each table, and one string.",
    "",
    table(
      ["database", "tool", "seconds", "MB / s", "peak memory", "isolate's", "failure"],
      peers.flatMap(({ dataset, bytes, tools }) =>
        tools.map((each) => [
          `${dataset}, ${megabytes(bytes)}`,
          each.tool,
          seconds(each.seconds),
          each.seconds === null ? NOTHING : (bytes / 1e6 / each.seconds).toFixed(1),
          each.peakMemoryBytes === null ? NOTHING : megabytes(each.peakMemoryBytes),
          each.isolatePeakBytes === null ? NOTHING : megabytes(each.isolatePeakBytes),
          each.failure?.replaceAll("|", "\\|").slice(0, 160) ?? NOTHING,
        ]),
      ),
    ),
  ];
}

function writerLines(writer: WriterLatency): string[] {
  const { idle, snapshot, pageMs } = writer;
  const line = (name: string, of: WriterLatency["idle"]): string[] => [
    name,
    of.writes.toLocaleString("en"),
    of.p50.toFixed(2),
    of.p99.toFixed(2),
    of.max.toFixed(1),
  ];
  return [
    "",
    "## A writer beside it",
    "",
    "Milliseconds of an UPDATE of one row at random, from a Worker beside the database, one after the other: medians " +
      "of the rounds, and the longest of all. The Durable Object and its writer are in a process of their own, as if " +
      "deployed.",
    "",
    table(
      ["", "writes", "median", "99th percentile", "longest"],
      [
        line("no export", idle),
        line("snapshot streams, back to back", snapshot),
        line("live streams, back to back", writer.live),
        line("D1, no export", writer.d1Idle),
        line("D1, `wrangler d1 export --local`, back to back", writer.d1Export),
      ],
    ),
    "",
    `A page takes ${pageMs.toFixed(1)} ms. The 99th percentile with snapshot streams is ` +
      `${ratio(snapshot.p99, 2 * idle.p99 + pageMs)} of twice the idle one and a page.`,
  ];
}
