import type { Command } from "commander";

import { JOB_STATES } from "../../src/api/job-state.ts";
import type { Job } from "../answers.ts";
import type { JobPage } from "../api-client.ts";
import { type Context, parseCount } from "../context.ts";
import { optionOf } from "../option-of.ts";
import { fitTable, formatBytes, formatCount, oneLine } from "../format.ts";
import type { Restore } from "../restore-answers.ts";
import { RestoreClient } from "../restore-client.ts";

/** The most jobs in one answer of the Worker. */
const PAGE_JOBS_MAX = 100;
const LIST_JOBS_MAX = 100_000;

interface ListOptions {
  status?: string;
  limit: string;
  restores?: boolean;
}

/** `list`: the jobs, newest first. */
export function addList(program: Command, open: (command: Command) => Context): void {
  program
    .command("list")
    .description("list exports, or restores, newest first")
    .option("--restores", "list restores")
    .addOption(optionOf("--status <status>", "jobs of one status", JOB_STATES))
    .option("--limit <count>", "the most jobs to list", "20")
    .action(async (options: ListOptions, self: Command) => {
      const { terminal, client } = open(self);
      const limit = parseCount(options.limit, "--limit", 1, LIST_JOBS_MAX);
      const api = client();
      if (options.restores === true) {
        const restores = new RestoreClient(api);
        const jobs = await collect((page) => restores.list(page), options.status, limit);
        terminal.print(jobs.length === 0 ? "no restores" : restoreTable(jobs, terminal.columns));
        terminal.printJson({ jobs });
        return;
      }
      const jobs = await collect((page) => api.listJobs(page), options.status, limit);
      terminal.print(jobs.length === 0 ? "no jobs" : jobTable(jobs, terminal.columns));
      terminal.printJson({ jobs });
    });
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

/** The columns that matter least are last: a narrow terminal shows without them. */
function restoreTable(restores: Restore[], columns: number | undefined): string {
  return fitTable(
    ["RESTORE", "STATUS", "TARGET", "CREATED", "SQL TEXT", "ROWS", "MODE"],
    restores.map((restore) => [
      restore.jobId,
      restore.status,
      oneLine([restore.target, ...Object.values(restore.object ?? {})].join(" ")),
      restore.createdAt.replace(/\.\d+Z$/, "Z"),
      formatBytes(restore.progress.textBytes),
      formatCount(restore.progress.rows),
      restore.mode,
    ]),
    columns,
  );
}

function jobTable(jobs: Job[], columns: number | undefined): string {
  return fitTable(
    ["JOB", "STATUS", "SOURCE", "CREATED", "SIZE", "ROWS", "FORMAT"],
    jobs.map((job) => [
      job.jobId,
      describeStatus(job),
      oneLine(job.source),
      job.createdAt.replace(/\.\d+Z$/, "Z"),
      formatBytes(job.progress.bytes),
      formatCount(job.progress.rows),
      job.compression === "none" ? job.format : `${job.format}+${job.compression}`,
    ]),
    columns,
  );
}

/** A job that restores its dump to prove it is `proving`, and then `proved` instead of `completed`. */
function describeStatus({ status, proof }: Job): string {
  if (status === "completed" && proof?.state === "proved") return "proved";
  return status === "running" && proof?.state === "running" ? "proving" : status;
}
