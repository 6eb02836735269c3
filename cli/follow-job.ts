import type { Job } from "./answers.ts";
import type { ApiClient } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatBytes, formatNumberOf, formatSeconds } from "./format.ts";
import { wait } from "./retry.ts";
import type { Terminal } from "./terminal.ts";

/** The time between two polls: short at first, so that a small export finishes immediately. */
const POLL_MS_MIN = 250;
const POLL_MS_MAX = 3_000;
const POLL_GROWTH = 1.25;

/**
 * Polls a job until it has ended, and shows its progress. Errors: `timeout` after `timeoutMs` (the
 * job continues), `Interrupted`, and those of the client.
 */
export async function followJob(
  client: ApiClient,
  terminal: Terminal,
  options: { jobId: string; timeoutMs: number | undefined },
): Promise<Job> {
  const { jobId, timeoutMs } = options;
  const deadlineMs = timeoutMs === undefined ? Infinity : Date.now() + timeoutMs;
  const progress = terminal.startProgress("exporting");
  try {
    for (let pollMs = POLL_MS_MIN; ; pollMs = Math.min(pollMs * POLL_GROWTH, POLL_MS_MAX)) {
      const job = await client.getJob(jobId);
      if (hasEnded(job)) return job;
      progress.update(job.progress.percent, describeProgress(job));
      if (Date.now() >= deadlineMs) throw timedOut(jobId, timeoutMs ?? 0);
      await wait(Math.min(pollMs, Math.max(deadlineMs - Date.now(), 1)), client.signal);
    }
  } finally {
    terminal.clearProgress();
  }
}

export function hasEnded(job: Pick<Job, "status">): boolean {
  return job.status !== "queued" && job.status !== "running";
}

/** Throws unless the job is completed. Errors: the job's own code, and exit code 1. */
export function requireCompleted(job: Job): void {
  if (job.status === "completed") return;
  if (job.status === "failed" && job.error !== null) {
    const { code, message, hint } = job.error;
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
function describeProgress({ status, progress }: Job): string[] {
  if (status === "queued") return ["queued"];
  const { tablesDone, tablesTotal, rows, bytes, bytesPerSecond, etaSeconds } = progress;
  const isReadingBack = tablesTotal > 0 && tablesDone === tablesTotal;
  if (isReadingBack) return ["the Worker verifies the files", formatBytes(bytes)];
  return [
    ...(etaSeconds === null ? [] : [`${formatSeconds(etaSeconds)} left`]),
    formatBytes(bytes),
    ...(bytesPerSecond === null ? [] : [`${formatBytes(Math.round(bytesPerSecond))}/s`]),
    formatNumberOf(rows, "row"),
    `${tablesDone} of ${formatNumberOf(tablesTotal, "table")}`,
  ];
}

function timedOut(jobId: string, timeoutMs: number): CliError {
  return new CliError(
    "timeout",
    `export ${jobId} did not end within ${formatSeconds(timeoutMs / 1000)}`,
    { exitCode: EXIT.failed, hint: `See \`durable-export status ${jobId}\`.` },
  );
}
