import type { Command } from "commander";

import type { Job } from "../answers.ts";
import { describeConsistency } from "../consistency.ts";
import type { Context } from "../context.ts";
import { formatBytes, formatCount, oneLine } from "../format.ts";
import { parseJobId } from "../job-id.ts";

/** `status`: reports a job's state once. */
export function addStatus(program: Command, open: (command: Command) => Context): void {
  program
    .command("status")
    .description("show a job's current state")
    .argument("<job>", "the job's id", parseJobId)
    .action(async (jobId: string, _options: object, self: Command) => {
      const { terminal, client } = open(self);
      const job = await client().getJob(jobId);
      terminal.print(describeJob(job));
      terminal.printJson(job);
    });
}

/** Returns a job as lines of name and value. */
export function describeJob(job: Job): string {
  const { progress, error } = job;
  const percent = progress.percent === null ? "" : ` (${Math.floor(progress.percent)}%)`;
  const lines: [string, string | null][] = [
    ["job", job.jobId],
    ["status", `${job.status}${percent}`],
    ["source", job.source],
    ["format", `${job.format}, compression ${job.compression}`],
    ["consistency", describeConsistency({ ...job, requestedConsistency: job.consistency })],
    ["created", job.createdAt],
    ["snapshot", job.snapshotAt],
    ["completed", job.completedAt],
    ["expires", job.expiresAt],
    ["tables", `${progress.tablesDone} of ${progress.tablesTotal}`],
    ["rows", formatCount(progress.rows)],
    ["bytes", formatBytes(progress.bytes)],
    [
      "error",
      error === null ? null : oneLine(`${error.code}: ${error.message}. ${error.hint ?? ""}`),
    ],
    ...job.warnings.map((warning): [string, string] => ["warning", oneLine(warning)]),
  ];
  return lines
    .filter((line): line is [string, string] => line[1] !== null)
    .map(([name, value]) => `${name.padEnd(11)} ${value}`)
    .join("\n");
}
