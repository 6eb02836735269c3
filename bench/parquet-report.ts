import type { ParquetMeasurement } from "./parquet-measurements.ts";
import { megabytes, ratio, seconds, table } from "./report-table.ts";

/** How many MB of SQL text an export to Parquet should take a second. */
const PARQUET_MB_A_SECOND = 15;

/** Returns the section about exports to Parquet; nothing if none was measured. */
export function parquetLines(parquet: readonly ParquetMeasurement[]): string[] {
  if (parquet.length === 0) return [];
  const rate = (bytes: number, each: number): string => (bytes / 1e6 / each).toFixed(1);
  return [
    "",
    "## Parquet",
    "",
    "Exports to Parquet, and to NDJSON, the other format with a file per table. The target is " +
      `${PARQUET_MB_A_SECOND} MB of SQL text a second`,
    "in the memory of other exports. `compression` compresses the columns of Parquet, and the files of NDJSON.",
    "",
    table(
      [
        "job",
        "seconds",
        "MB of SQL text / s",
        "of the target",
        "file",
        "MB of file / s",
        "peak memory",
        "isolate's",
      ],
      parquet.flatMap(({ dataset, bytes, jobs }) =>
        jobs.map((job) => [
          `${dataset}, ${megabytes(bytes)}, ${job.format}, ${job.compression}`,
          seconds(job.seconds),
          rate(bytes, job.seconds),
          ratio(bytes / 1e6 / job.seconds, PARQUET_MB_A_SECOND),
          megabytes(job.artifactBytes),
          rate(job.artifactBytes, job.seconds),
          megabytes(job.peakMemoryBytes),
          megabytes(job.isolatePeakBytes),
        ]),
      ),
    ),
  ];
}
