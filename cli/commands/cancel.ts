import type { Command } from "commander";

import type { Context } from "../context.ts";
import { findJobOfAnyKind, removeJobOfAnyKind } from "../find-job.ts";
import { parseJobId } from "../job-id.ts";
import { hasEnded } from "../poll-job.ts";

/** `cancel`: ends a running job. A job that has ended keeps its state and its files. */
export function addCancel(program: Command, open: (command: Command) => Context): void {
  program
    .command("cancel")
    .description("cancel a running export or restore; one that has ended stays unchanged")
    .argument("<job>", "the job's id", parseJobId)
    .action(async (jobId: string, _options: object, self: Command) => {
      const { terminal, client: openClient } = open(self);
      const client = openClient();
      const found = await findJobOfAnyKind(client, jobId);
      const { status } = found.job;
      if (hasEnded({ status })) {
        terminal.note(`${found.kind} ${jobId} is ${status}: there is nothing to cancel`);
        terminal.printJson({ jobId, status });
        return;
      }
      const now = await removeJobOfAnyKind(client, found, { only: "cancel" });
      terminal.note(`${found.kind} ${jobId} is ${now ?? "gone"}`);
      terminal.printJson({ jobId, status: now });
    });
}
