import type { Command } from "commander";

import { usageError } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { describeDownload, downloadArtifacts } from "../download-artifacts.ts";
import { parseJobId } from "../job-id.ts";

interface DownloadOptions {
  output?: string;
  artifact?: string;
}

/** `download`: the files of a completed job. */
export function addDownload(program: Command, open: (command: Command) => Context): void {
  program
    .command("download")
    .description("download and verify a completed job's files; resumes a partial file")
    .argument("<job>", "the job's id", parseJobId)
    .option(
      "-o, --output <path>",
      "file, folder (ends with /), ZIP of several files (.zip), SQLite file (.sqlite), or - for stdout",
    )
    .option("--artifact <name>", "download only this file of several")
    .action(async (jobId: string, options: DownloadOptions, self: Command) => {
      const { terminal, host, client } = open(self);
      if (options.output === "-" && terminal.mode === "json") {
        throw usageError("--json and -o - both write to standard output");
      }
      const result = await downloadArtifacts({
        client: client(),
        terminal,
        host,
        jobId,
        output: options.output,
        only: options.artifact,
      });
      terminal.finish(describeDownload(result), result.path);
      terminal.printJson(result);
    });
}
