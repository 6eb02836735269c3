import type { Command } from "commander";

import { usageError } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { describeDownload } from "../download-artifacts.ts";
import { findDumpOutput, dumpJob } from "../dump-job.ts";
import { parseDurationMs } from "../duration.ts";
import { addExportOptions, type ExportOptions, requestBodyOf } from "../export-options.ts";

interface DumpOptions extends ExportOptions {
  output?: string;
  timeout?: string;
  fresh?: boolean;
  failIfEmpty?: boolean;
}

/** `dump`: start, follow, download, verify. */
export function addDump(program: Command, open: (command: Command) => Context): void {
  const command = program
    .command("dump")
    .description("export, download and verify in one step; run it again after a crash to resume")
    .option(
      "-o, --output <path>",
      "file, folder (ends with /), ZIP of several files (.zip), SQLite file (.sqlite), or - for stdout",
    );
  addExportOptions(command)
    .option(
      "--timeout <duration>",
      "cancel an export that takes longer: 90s, 30m, 2h; a bare number is minutes",
    )
    .option("--fresh", "start a new export even if an unfinished one exists")
    .option("--fail-if-empty", "fail, and write nothing, if the export contains no rows")
    .action(async (options: DumpOptions, self: Command) => {
      const { terminal, host, client } = open(self);
      const request = requestBodyOf(options);
      if (options.output === "-" && terminal.mode === "json") {
        throw usageError("--json and -o - both write to standard output");
      }
      const timeoutMs =
        options.timeout === undefined ? undefined : parseDurationMs(options.timeout, "--timeout");
      const api = client();
      const result = await dumpJob({
        client: api,
        terminal,
        host,
        request,
        output: options.output ?? (await findDumpOutput(api, request)),
        timeoutMs,
        isFresh: options.fresh === true,
        failIfEmpty: options.failIfEmpty === true,
      });
      terminal.finish(describeDownload(result), result.path);
      terminal.printJson(result);
    });
}
