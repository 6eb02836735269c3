import type { Command } from "commander";

import { JOB_STATES } from "../../src/api/job-state.ts";
import type { Job } from "../answers.ts";
import type { JobPage } from "../api-client.ts";
import { usageError } from "../cli-error.ts";
import { type Context, parseCount } from "../context.ts";
import { describeSeries, groupSeries } from "../list-series.ts";
import { optionOf } from "../option-of.ts";
import { formatBytes, formatNumberOf, formatRecord, oneLine } from "../format.ts";
import type { Restore } from "../restore-answers.ts";
import { RestoreClient } from "../restore-client.ts";

/** How many jobs one answer of the Worker contains at most. */
const PAGE_JOBS_MAX = 100;
const LIST_JOBS_DEFAULT = 20;
const LIST_JOBS_MAX = 100_000;
const STATUS_CHARS_MAX = Math.max(...JOB_STATES.map((state) => state.length));

interface ListOptions {
  status?: string;
  limit?: string;
  /** True for all series; a name for those of that name. */
  series?: string | true;
  restores?: boolean;
}

/** `list`: prints exports or restores, newest first. */
export function addList(program: Command, open: (command: Command) => Context): void {
  program
    .command("list")
    .description("list exports, or restores, newest first")
    .option("--restores", "list restores instead of exports")
    .addOption(optionOf("--status <status>", "list only jobs with this status", JOB_STATES))
    .option("--series [name]", "list the exports of series, with what keeps each of them")
    .option("--limit <count>", "list at most this many jobs; default: 20, or all of the series")
    .action(async (options: ListOptions, self: Command) => {
      const { terminal, client } = open(self);
      const { series } = options;
      requireOneList(options);
      const byDefault = series === undefined ? LIST_JOBS_DEFAULT : LIST_JOBS_MAX;
      const limit = parseCount(options.limit ?? String(byDefault), "--limit", 1, LIST_JOBS_MAX);
      const api = client();
      if (series !== undefined) {
        const jobs = await collect((page) => api.listJobs(page), "completed", limit);
        const groups = groupSeries(jobs, series === true ? undefined : series);
        const texts = groups.map((each) => describeSeries(each, ({ jobId }) => jobId));
        terminal.print(texts.length === 0 ? "no series" : texts.join("\n\n"));
        terminal.printJson({ series: groups });
        return;
      }
      if (options.restores === true) {
        const restores = new RestoreClient(api);
        const jobs = await collect((page) => restores.list(page), options.status, limit);
        terminal.print(jobs.length === 0 ? "no restores" : jobs.map(describeRestore).join("\n"));
        terminal.printJson({ jobs });
        return;
      }
      const jobs = await collect((page) => api.listJobs(page), options.status, limit);
      terminal.print(jobs.length === 0 ? "no jobs" : jobs.map(describeExport).join("\n"));
      terminal.printJson({ jobs });
    });
}

/** Only completed exports have a series that keeps them. */
function requireOneList({ series, restores, status }: ListOptions): void {
  if (series === undefined || (restores !== true && status === undefined)) return;
  throw usageError("--series lists completed exports: leave out --restores and --status");
}

async function collect<TJob>(
  list: (page: JobPage) => Promise<{ jobs: TJob[]; cursor: string | null }>,
  status: string | undefined,
  limit: number,
): Promise<TJob[]> {
  const jobs: TJob[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({
      status,
      cursor,
      limit: Math.min(limit - jobs.length, PAGE_JOBS_MAX),
    });
    jobs.push(...page.jobs);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && jobs.length < limit);
  return jobs;
}

function describeRestore(restore: Restore): string {
  const { mode, object, progress } = restore;
  const named = Object.entries(object ?? {}).map(([kind, value]) => `object ${kind} ${value}`);
  return formatRecord(formatHeadline(restore, restore.status), [
    oneLine(restore.target),
    ...named.map(oneLine),
    mode,
    formatNumberOf(progress.rows, "row"),
    `${formatBytes(progress.textBytes)} of SQL text`,
  ]);
}

function describeExport(job: Job): string {
  const { source, format, compression, progress } = job;
  return formatRecord(formatHeadline(job, describeStatus(job)), [
    oneLine(source),
    compression === "none" ? format : `${format}+${compression}`,
    formatNumberOf(progress.rows, "row"),
    formatBytes(progress.bytes),
  ]);
}

function formatHeadline(job: Pick<Job, "jobId" | "createdAt">, status: string): string {
  const created = job.createdAt.replace(/\.\d+Z$/, "Z");
  return `${job.jobId}  ${status.padEnd(STATUS_CHARS_MAX)}  created ${created}`;
}

/** A job that restores its dump to prove it is `proving`, and then `proved` instead of `completed`. */
function describeStatus({ status, proof }: Job): string {
  if (status === "completed" && proof?.state === "proved") return "proved";
  return status === "running" && proof?.state === "running" ? "proving" : status;
}
