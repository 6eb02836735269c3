import { randomUUID } from "node:crypto";

import type { Command } from "commander";

import type { Context } from "../context.ts";
import { addExportOptions, type ExportOptions, requestBodyOf } from "../export-options.ts";

interface StartOptions extends ExportOptions {
  idempotencyKey?: string;
}

/** `start`: starts a job, and prints its id on standard output. */
export function addStart(program: Command, open: (command: Command) => Context): void {
  const command = program
    .command("start")
    .description("start an export and print its job id; the Worker does the rest");
  addExportOptions(command)
    .option("--idempotency-key <key>", "the same key returns the same job")
    .action(async (options: StartOptions, self: Command) => {
      const { terminal, client } = open(self);
      const key = options.idempotencyKey ?? randomUUID();
      const job = await client().startJob(requestBodyOf(options), key);
      terminal.print(job.jobId);
      terminal.printJson(job);
    });
}
