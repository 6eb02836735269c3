import { Command, Option } from "commander";

import { docsUrl } from "../src/api/docs-url.ts";
import { VERSION } from "../src/api/version.ts";
import { addCancel } from "./commands/cancel.ts";
import { addClone } from "./commands/clone.ts";
import { addComplete } from "./commands/complete.ts";
import { addDelete } from "./commands/delete.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addDownload } from "./commands/download.ts";
import { addDump } from "./commands/dump.ts";
import { addFleet } from "./commands/fleet.ts";
import { addInit } from "./commands/init.ts";
import { addKeygen } from "./commands/keygen.ts";
import { addList } from "./commands/list.ts";
import { addRestore } from "./commands/restore.ts";
import { addStart } from "./commands/start.ts";
import { addStatus } from "./commands/status.ts";
import { addVerify } from "./commands/verify.ts";
import { addWait } from "./commands/wait.ts";
import { type Context, type GlobalOptions, openContext } from "./context.ts";
import type { Host } from "./host.ts";
import type { Secrets } from "./secrets.ts";

const EXIT_CODES_HELP = `
Exit codes: 0 done; 1 the export, the restore, a check or a file failed;
            2 wrong usage or request; 3 the Worker is unreachable or refuses;
            130 interrupted
Settings:   DURABLE_EXPORT_URL, DURABLE_EXPORT_TOKEN, or a configuration file
Manual:     ${docsUrl("cli.md")}`;

/** Creates the command line: its names and options. `commands/` contains the behavior of each command. */
export function createProgram(host: Host, secrets: Secrets): Command {
  const program = new Command("durable-export")
    .description("Exact, resumable, verified exports and restores of Cloudflare's SQLite databases")
    .version(VERSION, "-V, --version", "print the version")
    .option("--url <url>", "the Worker's URL")
    .option(
      "--token <token>",
      "its token; prefer the variable, because other users can see options in the process list",
    )
    .option("--config <file>", "a configuration file with url and token")
    .addOption(
      new Option("--retries <count>", "retry this often after a network error, 429 or 5xx").default(
        "5",
        "5",
      ),
    )
    .option("--json", "print one JSON document on standard output")
    .option("-q, --quiet", "print only errors and the result")
    .addHelpText("after", EXIT_CODES_HELP)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(secrets.redact(text)),
      outputError: (text, write) => write(`durable-export: ${text.replace(/^error: /, "")}`),
    });
  const open = (command: Command): Context =>
    openContext(host, secrets, command.optsWithGlobals<GlobalOptions>());
  for (const add of [
    addDump,
    addStart,
    addStatus,
    addWait,
    addDownload,
    addList,
    addCancel,
    addDelete,
    addVerify,
    addRestore,
    addClone,
    addFleet,
    addDoctor,
    addInit,
    addKeygen,
  ]) {
    add(program, open);
  }
  addComplete(program, host);
  return program;
}
