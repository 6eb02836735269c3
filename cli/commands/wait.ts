import type { Command } from "commander";

import type { Context } from "../context.ts";
import { parseDurationMs } from "../duration.ts";
import { findJobOfAnyKind } from "../find-job.ts";
import { followJob, requireCompleted } from "../follow-job.ts";
import {
  describeRestored,
  describeWayBack,
  followRestore,
  requireRestored,
} from "../follow-restore.ts";
import { describeProved } from "../restored-itself.ts";
import { parseJobId } from "../job-id.ts";

/** `wait`: follows a job that was started elsewhere. Ctrl-C does not cancel the job. */
export function addWait(program: Command, open: (command: Command) => Context): void {
  program
    .command("wait")
    .description("follow an export or restore until it has ended; Ctrl-C leaves it running")
    .argument("<job>", "the job's id", parseJobId)
    .option("--timeout <duration>", "stop waiting after 90s, 30m, 2h; the job continues")
    .action(async (jobId: string, options: { timeout?: string }, self: Command) => {
      const { terminal, client: openClient } = open(self);
      const timeoutMs =
        options.timeout === undefined ? undefined : parseDurationMs(options.timeout, "--timeout");
      const client = openClient();
      const { kind } = await findJobOfAnyKind(client, jobId);
      if (kind === "restore") {
        const restore = await followRestore(client, terminal, { jobId, timeoutMs });
        requireRestored(restore);
        for (const warning of restore.warnings) terminal.warn(warning);
        terminal.note(describeRestored(restore));
        const wayBack = describeWayBack(restore);
        if (wayBack !== undefined) terminal.note(wayBack);
        terminal.printJson(restore);
        return;
      }
      const job = await followJob(client, terminal, { jobId, timeoutMs });
      requireCompleted(job);
      for (const warning of job.warnings) terminal.warn(warning);
      terminal.note(`export ${jobId} is completed`);
      const proved = describeProved(job.proof, job.masked.length > 0);
      if (proved !== undefined) terminal.note(proved);
      terminal.printJson(job);
    });
}
