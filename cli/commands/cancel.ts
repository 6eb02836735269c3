import type { Command } from "commander";

import type { Context } from "../context.ts";
import { hasEnded } from "../follow-job.ts";
import { parseJobId } from "../job-id.ts";

/** `cancel`: ends a running job. A job that has ended keeps its state and its files. */
export function addCancel(program: Command, open: (command: Command) => Context): void {
  program
    .command("cancel")
    .description("cancel a running job; a job that has ended stays unchanged")
    .argument("<job>", "the job's id", parseJobId)
    .action(async (jobId: string, _options: object, self: Command) => {
      const { terminal, client: openClient } = open(self);
      const client = openClient();
      const { status } = await client.getJob(jobId);
      if (hasEnded({ status })) {
        terminal.note(`export ${jobId} is ${status}: there is nothing to cancel`);
        terminal.printJson({ jobId, status });
        return;
      }
      const now = await client.removeJob(jobId, { only: "cancel" });
      terminal.note(`export ${jobId} is ${now ?? "gone"}`);
      terminal.printJson({ jobId, status: now });
    });
}
