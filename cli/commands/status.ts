import type { Command } from "commander";

import type { Job } from "../answers.ts";
import { describeConsistency } from "../consistency.ts";
import type { Context } from "../context.ts";
import { describeCopy } from "../describe-copy.ts";
import { findJobOfAnyKind } from "../find-job.ts";
import { formatBytes, formatCount, oneLine } from "../format.ts";
import { parseJobId } from "../job-id.ts";
import { hasEnded } from "../poll-job.ts";
import { describeProof } from "../restored-itself.ts";
import type { Restore } from "../restore-answers.ts";

/** `status`: reports a job's state once. */
export function addStatus(program: Command, open: (command: Command) => Context): void {
  program
    .command("status")
    .description("show the current state of an export or restore")
    .argument("<job>", "the job's id", parseJobId)
    .action(async (jobId: string, _options: object, self: Command) => {
      const { terminal, client } = open(self);
      const found = await findJobOfAnyKind(client(), jobId);
      const text = found.kind === "export" ? describeJob(found.job) : describeRestore(found.job);
      terminal.print(text);
      terminal.printJson(found.job);
    });
}

/** Returns an export as lines of names and values. */
export function describeJob(job: Job): string {
  const { progress } = job;
  const lines: Line[] = [
    ["job", job.jobId],
    ["status", describeStatus(job)],
    ["source", job.source],
    ["format", `${job.format}, compression ${job.compression}`],
    ["consistency", describeConsistency({ ...job, requestedConsistency: job.consistency })],
    ["created", job.createdAt],
    ["snapshot", job.snapshotAt],
    [job.status === "completed" ? "completed" : "ended", job.completedAt],
    ["expires", job.expiresAt],
    ["tables", `${progress.tablesDone} of ${progress.tablesTotal}`],
    ["rows", formatCount(progress.rows)],
    ["bytes", formatBytes(progress.bytes)],
    ["proof", describeProof(job)],
    ...job.copies.map((copy): Line => ["copy", describeCopy(copy)]),
    ...describeOutcome(job),
  ];
  return formatLines(lines);
}

/** Returns a restore as lines of names and values. */
function describeRestore(restore: Restore): string {
  const { progress, verification, safetyExport, object } = restore;
  const { phase, textBytes, textBytesTotal } = progress;
  const total = textBytesTotal === null ? "" : ` of ${formatBytes(textBytesTotal)}`;
  const named = Object.entries(object ?? {}).map(([kind, value]) => `, object ${kind} ${value}`);
  return formatLines([
    ["restore", restore.jobId],
    ["status", describeStatus(restore)],
    ["phase", hasEnded(restore) ? null : phase],
    ["target", oneLine(`${restore.target}${named.join("")}`)],
    ["mode", restore.mode],
    ["created", restore.createdAt],
    [restore.status === "completed" ? "completed" : "ended", restore.completedAt],
    ["statements", formatCount(progress.statements)],
    ["rows", formatCount(progress.rows)],
    ["SQL text", `${formatBytes(textBytes)}${total}`],
    [
      "verified",
      `${verification.state}${verification.method === null ? "" : ` (${verification.method})`}`,
    ],
    [
      "undo with",
      safetyExport === null ? null : `export ${safetyExport.jobId} (${safetyExport.status})`,
    ],
    ...describeOutcome(restore),
  ]);
}

/** The percentage of a job that failed or was cancelled says nothing. */
function describeStatus({
  status,
  progress: { percent },
}: Pick<Job, "status"> & { progress: { percent: number | null } }): string {
  const isMeaningful = percent !== null && status !== "failed" && status !== "cancelled";
  return isMeaningful ? `${status} (${Math.floor(percent)}%)` : status;
}

type Line = [name: string, value: string | null];

function describeOutcome({ error, warnings }: Pick<Job, "error" | "warnings">): Line[] {
  return [
    [
      "error",
      error === null ? null : oneLine(`${error.code}: ${error.message}. ${error.hint ?? ""}`),
    ],
    ...warnings.map((warning): Line => ["warning", oneLine(warning)]),
  ];
}

function formatLines(lines: Line[]): string {
  return lines
    .filter((line): line is [string, string] => line[1] !== null)
    .map(([name, value]) => `${name.padEnd(11)} ${value}`)
    .join("\n");
}
