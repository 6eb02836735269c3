import type { Job } from "./answers.ts";
import type { ApiClient } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatBytes, formatNumberOf, formatQueued, formatSeconds } from "./format.ts";
import { describeRunning } from "./restored-itself.ts";
import { pollJob } from "./poll-job.ts";
import type { Terminal } from "./terminal.ts";
import { findHint } from "./worker-hints.ts";

/**
 * Polls an export until it has ended, and shows its progress. Errors: `timeout` after `timeoutMs`
 * (the job continues), `Interrupted`, and those of the client.
 */
export function followJob(
  client: ApiClient,
  terminal: Terminal,
  { jobId, timeoutMs }: { jobId: string; timeoutMs: number | undefined },
): Promise<Job> {
  return pollJob(terminal, {
    label: "exporting",
    name: `export ${jobId}`,
    jobId,
    look: () => client.getJob(jobId),
    describe: (job) => ({ percent: job.progress.percent, parts: describeProgress(job) }),
    timeoutMs,
    signal: client.signal,
  });
}

/** Throws unless the job is completed. Errors: the job's own code, and exit code 1. */
export function requireCompleted(job: Job): void {
  if (job.status === "completed") return;
  if (job.status === "failed" && job.error !== null) {
    const { code, message } = job.error;
    const hint = findHint({ ...job.error, detail: message, path: "/export/dump" });
    throw new CliError({ ofWorker: code }, `export ${job.jobId} failed: ${code}: ${message}`, {
      exitCode: EXIT.failed,
      hint,
    });
  }
  const code = job.status === "expired" ? "export-expired" : "export-cancelled";
  throw new CliError(code, `export ${job.jobId} is ${job.status}`, {
    exitCode: EXIT.failed,
  });
}

/** Returns the parts of a job's progress, most important first. */
function describeProgress({ status, queuePosition, progress, proof }: Job): string[] {
  if (status === "queued") return [formatQueued(queuePosition)];
  const { tablesDone, tablesTotal, rows, bytes, bytesPerSecond, etaSeconds } = progress;
  const isReadingBack = tablesTotal > 0 && tablesDone === tablesTotal;
  if (proof?.state === "running") return ["proving", describeRunning(proof)];
  if (isReadingBack) return ["verifying", formatBytes(bytes)];
  return [
    ...(etaSeconds === null ? [] : [`${formatSeconds(etaSeconds)} left`]),
    formatBytes(bytes),
    ...(bytesPerSecond === null ? [] : [`${formatBytes(Math.round(bytesPerSecond))}/s`]),
    formatNumberOf(rows, "row"),
    `${tablesDone} of ${formatNumberOf(tablesTotal, "table")}`,
  ];
}
