import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { type BenchWorker, withBenchWorker } from "./bench-worker.ts";
import type { Dataset } from "./datasets.ts";
import { isolatePeakBytes } from "./isolate-memory.ts";
import { median, peakMemoryBytes, resetPeakMemory } from "./processes.ts";

/** The results of restoring one script. Seconds are medians over the rounds. */
export interface RestoreMeasurement {
  script: string;
  /** Of SQL text. */
  bytes: number;
  /** `node:sqlite`, which loads the same script into a new file in one transaction. */
  nodeSeconds: number;
  /** Reading the file twice from the simulated bucket, as a restore does, and nothing else. */
  bucketSeconds: number;
  /** From POST to `completed`, by the job's own clock, without verification. */
  seconds: number;
  /** The same with verification; null if the script has no manifest. */
  verifiedSeconds: number | null;
  /** Of the runtime's process over all rounds, including the simulated bucket. */
  peakMemoryBytes: number;
  /** Of the Worker's own isolate, in a restore that is not timed. */
  isolatePeakBytes: number;
}

/** Restores the dump of a database into fresh objects, and then the same rows with a statement for each. */
export function measureRestores(
  { name, fill }: Dataset,
  options: { bytes: number; rounds: number },
): Promise<RestoreMeasurement[]> {
  return withBenchWorker(
    (db) => fill(db, options.bytes),
    async (bench, folder) => {
      const { view } = await bench.export({ compression: "none" });
      const text = await bench.download(view);
      const rows = splitRows(text);
      await bench.put("rows.sql", rows);
      const measureScript = makeMeasure(bench, { folder, rounds: options.rounds });
      const compressed = [];
      for (const compression of ["gzip", "zstd"] as const) {
        const { jobId } = (await bench.export({ compression })).view;
        compressed.push(await measureScript(`${name}, ${compression}`, text, { jobId }));
      }
      return [
        await measureScript(name, text, { jobId: view.jobId }),
        ...compressed,
        await measureScript(`${name}, a statement a row`, rows, { object: "rows.sql" }),
      ];
    },
  );
}

function makeMeasure(
  bench: BenchWorker,
  { folder, rounds }: { folder: string; rounds: number },
): (
  script: string,
  text: Buffer,
  from: { jobId: string } | { object: string },
) => Promise<RestoreMeasurement> {
  const { pid } = bench.worker;
  return async (script, text, from) => {
    const node: number[] = [];
    const bucket: number[] = [];
    const plain: number[] = [];
    const verified: number[] = [];
    const hasManifest = "jobId" in from;
    // An export's folder ends with the first digits of its job's id.
    const file = "jobId" in from ? `${from.jobId.slice(0, 8)}/dump.sql` : from.object;
    resetPeakMemory(pid);
    for (let round = 0; round < rounds; round += 1) {
      node.push(loadByNode(join(folder, "loaded.sqlite"), text));
      const read = await bench.call<{ seconds: number }>("GET", `/bench/read?name=${file}`);
      bucket.push(read.seconds);
      plain.push((await bench.restore({ from, verify: "none" })).seconds);
      if (hasManifest) verified.push((await bench.restore({ from })).seconds);
    }
    const peak = peakMemoryBytes(pid);
    const restore = () => bench.restore({ from, verify: "none" });
    return {
      script,
      bytes: text.length,
      nodeSeconds: median(node),
      bucketSeconds: median(bucket),
      seconds: median(plain),
      verifiedSeconds: hasManifest ? median(verified) : null,
      peakMemoryBytes: peak,
      isolatePeakBytes: await isolatePeakBytes(bench.inspectorPort, restore),
    };
  };
}

/** Text that is run at once: a string has a limit. */
const RUN_BYTES = 16_000_000;

/** Returns the seconds that loading takes. */
function loadByNode(path: string, text: Buffer): number {
  const db = new DatabaseSync(path);
  const startMs = performance.now();
  db.exec("BEGIN");
  for (let at = 0; at < text.length;) {
    const end = text.indexOf(";\n", at + RUN_BYTES);
    const next = end < 0 ? text.length : end + 2;
    db.exec(text.toString("utf8", at, next));
    at = next;
  }
  db.exec("COMMIT");
  db.close();
  const seconds = (performance.now() - startMs) / 1_000;
  rmSync(path);
  return seconds;
}

/** Writes an INSERT for each row of a dump whose values contain no line ends. */
function splitRows(text: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let head: Buffer | undefined;
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\n", at);
    const line = text.subarray(at, end + 1);
    at = end + 1;
    if (line.subarray(0, 7).toString() === "INSERT ") {
      const values = line.indexOf("VALUES");
      head = values < 0 ? undefined : line.subarray(0, values + 6);
      if (head === undefined || line.length > values + 8) pieces.push(line);
    } else if (head !== undefined && line[0] === 0x28) {
      const rowEnd = line.at(-2) === 0x2c ? line.length - 2 : line.lastIndexOf(";");
      pieces.push(head, line.subarray(0, rowEnd), Buffer.from(";\n"));
    } else {
      pieces.push(line);
    }
  }
  return Buffer.concat(pieces);
}
