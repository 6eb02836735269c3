import { existsSync } from "node:fs";

import type { Command } from "commander";

import { CliError, usageError } from "../cli-error.ts";
import { confirmReplacement } from "../confirm.ts";
import type { Context } from "../context.ts";
import { examineScript, printDryRun } from "../dry-run.ts";
import { parseDurationMs } from "../duration.ts";
import { EXIT } from "../exit-codes.ts";
import { describeRestored, describeWayBack } from "../follow-restore.ts";
import { formatNumberOf } from "../format.ts";
import { optionOf } from "../option-of.ts";
import type { Restore } from "../restore-answers.ts";
import type { RestoreBody } from "../restore-client.ts";
import { openExport } from "../restore-export.ts";
import { requireNewFile, restoreIntoFile } from "../restore-into-file.ts";
import { type RestoreJob, restoreFromJob, restoreScript } from "../restore-job.ts";
import { openScript, type ScriptInput } from "../script-input.ts";
import { requireTarget } from "../restore-target.ts";

interface RestoreOptions {
  target?: string;
  objectName?: string;
  objectId?: string;
  replace?: boolean;
  verify?: string;
  undoOnFailure?: boolean;
  callbackUrl?: string;
  yes?: boolean;
  to?: string;
  dryRun?: boolean;
  identity?: string;
  timeout?: string;
  fresh?: boolean;
}

/** Options for a restore into a database of the Worker. */
const REMOTE_OPTIONS = {
  target: "--target",
  objectName: "--object-name",
  objectId: "--object-id",
  replace: "--replace",
  verify: "--verify",
  undoOnFailure: "--undo-on-failure",
  callbackUrl: "--callback-url",
  timeout: "--timeout",
  fresh: "--fresh",
} as const satisfies Partial<Record<keyof RestoreOptions, string>>;

const JOB_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** `restore`: restores a script, a database file or an export into a database of the Worker, or into a new file. */
export function addRestore(program: Command, open: (command: Command) => Context): void {
  program
    .command("restore")
    .description(
      "restore a script, an SQLite file or an export; run it again after a crash to resume",
    )
    .argument(
      "<file-or-job>",
      "an SQL script (.gz, .zst), an SQLite file, - for stdin, or a job's id",
    )
    .option("--target <name>", "the source to restore into (default: the only one, or main)")
    .option("--object-name <name>", "the Durable Object with this name, if the source has many")
    .option("--object-id <id>", "the Durable Object with this id, if the source has many")
    .option("--replace", "export what the target contains, delete it, then restore")
    .addOption(
      optionOf("--verify <method>", "how to prove it; default: digest if possible, else counts", [
        "digest",
        "counts",
        "none",
      ]),
    )
    .option("--undo-on-failure", "with --replace: if it fails, restore what was there before")
    .option("--callback-url <url>", "where the Worker sends the result")
    .option("--yes", "with --replace: do not ask")
    .option("--timeout <duration>", "stop following after 90s, 30m, 2h; the restore continues")
    .option("--fresh", "upload and restore again, even if an unfinished restore exists")
    .option("--identity <file>", "the private key that opens a file sealed by age")
    .option("--to <file>", "restore into this new SQLite file on this machine")
    .option("--dry-run", "check the script and show what it contains; send nothing")
    .action(async (source: string, options: RestoreOptions, self: Command) => {
      const context = open(self);
      checkOptions(source, options);
      if (options.dryRun === true) return runDry(context, source, options);
      if (options.to !== undefined) return runLocally(context, source, options.to, options);
      report(context, await runRemotely(context, source, options));
    });
}

function isJobId(source: string): boolean {
  return JOB_ID.test(source) && !existsSync(source);
}

function checkOptions(source: string, options: RestoreOptions): void {
  if (source.trim() === "") throw usageError("the file's name or the job's id is empty");
  if (options.dryRun === true && options.to !== undefined) {
    throw usageError("--dry-run and --to cannot be combined");
  }
  if (options.dryRun === true && isJobId(source)) {
    throw usageError(
      "--dry-run reads a file, not a job",
      `Download it first: \`npx durable-export download ${source}\`.`,
    );
  }
  const local = options.to === undefined ? "--dry-run" : "--to";
  if (options.to !== undefined || options.dryRun === true) {
    for (const [name, flag] of Object.entries(REMOTE_OPTIONS)) {
      if (options[name as keyof typeof REMOTE_OPTIONS] === undefined) continue;
      throw usageError(`${flag} is for a restore into the Worker's databases, not for ${local}`);
    }
  }
  if (options.to === "-" || options.to?.trim() === "") {
    throw usageError("--to needs the name of a new file");
  }
  if (options.undoOnFailure === true && options.replace !== true) {
    throw usageError("--undo-on-failure needs --replace: otherwise there is nothing to undo");
  }
}

async function runDry(context: Context, source: string, options: RestoreOptions): Promise<void> {
  const { terminal } = context;
  const found = await using(context, { source, options }, (script) =>
    examineScript(script, { terminal, signal: context.host.interrupt }),
  );
  printDryRun(found, terminal);
  terminal.printJson(found);
  const [problem] = found.problems;
  if (problem === undefined) return;
  throw new CliError(
    { ofWorker: "script-invalid" },
    `${found.file} cannot be restored: ${problem}`,
    {
      exitCode: EXIT.failed,
    },
  );
}

async function runLocally(
  context: Context,
  source: string,
  to: string,
  given: RestoreOptions,
): Promise<void> {
  const { terminal, host } = context;
  requireNewFile(to);
  const options = { terminal, signal: host.interrupt };
  const done = await using(context, { source, options: given }, (script) =>
    restoreIntoFile(script, to, options),
  );
  const { statements, tables, rows } = done;
  const counts = [
    formatNumberOf(tables, "table"),
    formatNumberOf(rows, "row"),
    formatNumberOf(statements, "statement"),
  ];
  terminal.finish(`${to}: ${counts.join(", ")}; SQLite's integrity check passed`, to);
  terminal.printJson(done);
}

/** Opens `source` as a local script, and removes temporary files after `use`. */
async function using<T>(
  context: Context,
  { source, options }: { source: string; options: RestoreOptions },
  use: (script: ScriptInput) => Promise<T>,
  beforeDump?: () => Promise<unknown>,
): Promise<T> {
  const { terminal, host } = context;
  const { stdin, interrupt: signal } = host;
  const script = isJobId(source)
    ? await openExport(context, source)
    : await openScript(source, {
        terminal,
        stdin,
        signal,
        identityFile: options.identity,
        beforeDump,
      });
  try {
    return await use(script);
  } finally {
    await script.close();
  }
}

async function runRemotely(
  context: Context,
  source: string,
  options: RestoreOptions,
): Promise<Restore> {
  const { terminal, host, client } = context;
  const timeoutMs =
    options.timeout === undefined ? undefined : parseDurationMs(options.timeout, "--timeout");
  const job: RestoreJob = {
    api: client(),
    terminal,
    host,
    request: toRequest(options),
    timeoutMs,
  };
  // Finds out before the upload whether the Worker would refuse the restore.
  const checkTarget = () => requireTarget(job.api, options.target);
  if (isJobId(source)) {
    await confirmIfNeeded(context, await checkTarget(), options);
    return restoreFromJob(job, source);
  }
  const restoreIt = async (script: ScriptInput) => {
    // A file that is not a script fails before this, so the user is not asked in vain.
    await confirmIfNeeded(context, await checkTarget(), options);
    return restoreScript(job, script, { isFresh: options.fresh === true });
  };
  return using(context, { source, options }, restoreIt, checkTarget);
}

/** Asks before anything is deleted. */
async function confirmIfNeeded(
  { host }: Context,
  target: string,
  options: RestoreOptions,
): Promise<void> {
  if (options.replace !== true || options.yes === true) return;
  const object = options.objectName ?? options.objectId;
  await confirmReplacement({ target, object }, host);
}

/** The body of `POST /import/dump`, without `from`. It contains only the given options. */
function toRequest(options: RestoreOptions): RestoreBody {
  const fields: RestoreBody = {
    target: options.target,
    name: options.objectName,
    id: options.objectId,
    mode: options.replace === true ? "replace" : undefined,
    verify: options.verify,
    undoOnFailure: options.undoOnFailure,
    callbackUrl: options.callbackUrl,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function report({ terminal }: Context, restore: Restore): void {
  for (const warning of restore.warnings) terminal.warn(warning);
  terminal.finish(describeRestored(restore), restore.jobId);
  const wayBack = describeWayBack(restore);
  if (wayBack !== undefined) terminal.note(wayBack);
  terminal.printJson(restore);
}
