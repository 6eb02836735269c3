import type { Command } from "commander";

import { CliError } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { findJobOfAnyKind, removeJobOfAnyKind } from "../find-job.ts";
import { parseJobId } from "../job-id.ts";
import { hasEnded } from "../poll-job.ts";

/** `delete`: removes an ended export with its files, or an ended restore. */
export function addDelete(program: Command, open: (command: Command) => Context): void {
  program
    .command("delete")
    .description("permanently delete an ended export with its files, or an ended restore")
    .argument("<job>", "the job's id", parseJobId)
    .action(async (jobId: string, _options: object, self: Command) => {
      const { terminal, client: openClient } = open(self);
      const client = openClient();
      const found = await findJobOfAnyKind(client, jobId);
      const { status } = found.job;
      if (!hasEnded({ status })) {
        throw new CliError(`${found.kind}-running`, `${found.kind} ${jobId} is ${status}`, {
          exitCode: EXIT.refused,
          hint: `Cancel it first: \`npx durable-export cancel ${jobId}\`.`,
        });
      }
      const left = await removeJobOfAnyKind(client, found);
      const kept =
        found.kind === "export" ? `kept as ${left}; its files are gone` : `kept as ${left}`;
      terminal.note(`${found.kind} ${jobId} is ${left === null ? "deleted" : kept}`);
      terminal.printJson({ jobId, status: left });
    });
}
