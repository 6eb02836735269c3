import type { Command } from "commander";

import type { Context } from "../context.ts";
import { parseDurationMs } from "../duration.ts";
import { followJob, requireCompleted } from "../follow-job.ts";
import { parseJobId } from "../job-id.ts";

/** `wait`: follows a job that was started elsewhere. Ctrl-C does not cancel the job. */
export function addWait(program: Command, open: (command: Command) => Context): void {
  program
    .command("wait")
    .description("follow a job until it has ended; Ctrl-C leaves the job running")
    .argument("<job>", "the job's id", parseJobId)
    .option("--timeout <duration>", "stop waiting after 90s, 30m, 2h; the job continues")
    .action(async (jobId: string, options: { timeout?: string }, self: Command) => {
      const { terminal, client } = open(self);
      const timeoutMs =
        options.timeout === undefined ? undefined : parseDurationMs(options.timeout, "--timeout");
      const job = await followJob(client(), terminal, { jobId, timeoutMs });
      requireCompleted(job);
      for (const warning of job.warnings) terminal.warn(warning);
      terminal.note(`export ${jobId} is completed`);
      terminal.printJson(job);
    });
}
