import type { Command } from "commander";

import { CliError } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { hasEnded } from "../follow-job.ts";
import { parseJobId } from "../job-id.ts";

/** `delete`: removes an ended job with its files. */
export function addDelete(program: Command, open: (command: Command) => Context): void {
  program
    .command("delete")
    .description("remove an ended job and its files for good")
    .argument("<job>", "the job's id", parseJobId)
    .action(async (jobId: string, _options: object, self: Command) => {
      const { terminal, client: openClient } = open(self);
      const client = openClient();
      const { status } = await client.getJob(jobId);
      if (!hasEnded({ status })) {
        throw new CliError("export-running", `export ${jobId} is ${status}`, {
          exitCode: EXIT.refused,
          hint: `Cancel it first: \`durable-export cancel ${jobId}\`.`,
        });
      }
      const left = await client.removeJob(jobId);
      const outcome = left === null ? "deleted" : `kept as ${left}; its files are gone`;
      terminal.note(`export ${jobId} is ${outcome}`);
      terminal.printJson({ jobId, status: left });
    });
}
