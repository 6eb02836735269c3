import type { Job } from "./answers.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatSeconds } from "./format.ts";
import { wait } from "./retry.ts";
import type { Terminal } from "./terminal.ts";

/** The time between two polls. It starts short, so that a small job ends without delay. */
const POLL_MS_MIN = 250;
const POLL_MS_MAX = 3_000;
const POLL_GROWTH = 1.25;

/** A job to poll until it has ended. */
interface PolledJob<TJob> {
  /** The progress line's label. */
  label: string;
  /** Its name in messages: `export 1bbd…`. */
  name: string;
  jobId: string;
  look: () => Promise<TJob>;
  /** The parts to show, most important first. */
  describe: (job: TJob) => { percent: number | null; parts: string[] };
  timeoutMs: number | undefined;
  signal: AbortSignal;
  /** The command that shows it; default: `status`. */
  statusCommand?: string;
}

/** True if a job's state is final. */
export function hasEnded(job: Pick<Job, "status">): boolean {
  return job.status !== "queued" && job.status !== "running";
}

/**
 * Polls a job until it has ended, and shows its progress. Errors: `timeout` after `timeoutMs` (the job continues),
 * `Interrupted`, and those of `look`.
 */
export async function pollJob<TJob extends Pick<Job, "status">>(
  terminal: Terminal,
  job: PolledJob<TJob>,
): Promise<TJob> {
  const { timeoutMs, signal } = job;
  const deadlineMs = timeoutMs === undefined ? Infinity : Date.now() + timeoutMs;
  const progress = terminal.startProgress(job.label);
  try {
    for (let pollMs = POLL_MS_MIN; ; pollMs = Math.min(pollMs * POLL_GROWTH, POLL_MS_MAX)) {
      const found = await job.look();
      if (hasEnded(found)) return found;
      const { percent, parts } = job.describe(found);
      progress.update(percent, parts);
      if (Date.now() >= deadlineMs) throw timedOut(job, timeoutMs ?? 0);
      await wait(Math.min(pollMs, Math.max(deadlineMs - Date.now(), 1)), signal);
    }
  } finally {
    terminal.clearProgress();
  }
}

function timedOut(
  {
    name,
    jobId,
    statusCommand = "status",
  }: Pick<PolledJob<never>, "name" | "jobId" | "statusCommand">,
  timeoutMs: number,
): CliError {
  return new CliError("timeout", `${name} did not end within ${formatSeconds(timeoutMs / 1000)}`, {
    exitCode: EXIT.failed,
    hint: `See \`npx durable-export ${statusCommand} ${jobId}\`.`,
  });
}
