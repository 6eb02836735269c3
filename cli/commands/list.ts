import type { Command } from "commander";

import { JOB_STATES } from "../../src/api/job-state.ts";
import type { Job } from "../answers.ts";
import { type Context, parseCount } from "../context.ts";
import { optionOf } from "../option-of.ts";
import { formatBytes, formatCount, formatTable, oneLine } from "../format.ts";

/** The most jobs in one answer of the Worker. */
const PAGE_JOBS_MAX = 100;
const LIST_JOBS_MAX = 100_000;

interface ListOptions {
  status?: string;
  limit: string;
}

/** `list`: the jobs, newest first. */
export function addList(program: Command, open: (command: Command) => Context): void {
  program
    .command("list")
    .description("list jobs, newest first")
    .addOption(optionOf("--status <status>", "jobs of one status", JOB_STATES))
    .option("--limit <count>", "the most jobs to list", "20")
    .action(async (options: ListOptions, self: Command) => {
      const { terminal, client } = open(self);
      const limit = parseCount(options.limit, "--limit", 1, LIST_JOBS_MAX);
      const jobs = await collectJobs(client(), { status: options.status, limit });
      terminal.print(jobs.length === 0 ? "no jobs" : tableOf(jobs));
      terminal.printJson({ jobs });
    });
}

async function collectJobs(
  client: ReturnType<Context["client"]>,
  { status, limit }: { status: string | undefined; limit: number },
): Promise<Job[]> {
  const jobs: Job[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listJobs({
      status,
      cursor,
      limit: Math.min(limit - jobs.length, PAGE_JOBS_MAX),
    });
    jobs.push(...page.jobs);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && jobs.length < limit);
  return jobs;
}

function tableOf(jobs: Job[]): string {
  return formatTable(
    ["JOB", "STATUS", "SOURCE", "FORMAT", "CREATED", "ROWS", "SIZE"],
    jobs.map((job) => [
      job.jobId,
      job.status,
      oneLine(job.source),
      job.compression === "none" ? job.format : `${job.format}+${job.compression}`,
      job.createdAt.replace(/\.\d+Z$/, "Z"),
      formatCount(job.progress.rows),
      formatBytes(job.progress.bytes),
    ]),
  );
}
