import { existsSync } from "node:fs";

import type { Command } from "commander";

import { CliError, usageError } from "../cli-error.ts";
import { confirmReplacement } from "../confirm.ts";
import type { Context } from "../context.ts";
import { examineScript, printDryRun } from "../dry-run.ts";
import { parseDurationMs } from "../duration.ts";
import { EXIT } from "../exit-codes.ts";
import type { MemberChoice } from "../fleet-client.ts";
import { describeRestored, describeWayBack } from "../follow-restore.ts";
import { formatNumberOf } from "../format.ts";
import { optionOf } from "../option-of.ts";
import type { Restore } from "../restore-answers.ts";
import type { RestoreBody } from "../restore-client.ts";
import { openExport } from "../restore-export.ts";
import { requireNewFile, restoreIntoFile } from "../restore-into-file.ts";
import { type RestoreJob, restoreScript, restoreStored } from "../restore-job.ts";
import { openScript, type ScriptInput } from "../script-input.ts";
import { requireTarget } from "../restore-target.ts";

interface RestoreOptions {
  fleet?: string;
  member?: string;
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
      "[file-or-job]",
      "an SQL script (.gz, .zst), an SQLite file, - for stdin, or a job's id",
    )
    .option("--fleet <id>", "restore an object of this fleet, instead of a file or job")
    .option("--member <name>", "with --fleet: the object in it; default: that of --object-name")
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
    .action(async (given: string | undefined, options: RestoreOptions, self: Command) => {
      const context = open(self);
      if (options.fleet !== undefined) {
        const from = chooseMember(given, options.fleet, options);
        return report(context, await runFromFleet(context, from, options));
      }
      if (options.member !== undefined) throw usageError("--member needs --fleet");
      if (given === undefined) {
        throw usageError(
          "nothing to restore is named",
          "Name a script, an SQLite file or an export's id, or an object of a fleet with --fleet.",
        );
      }
      const source = given;
      checkOptions(source, options);
      if (options.dryRun === true) return runDry(context, source, options);
      if (options.to !== undefined) return runLocally(context, source, options.to, options);
      report(context, await runRemotely(context, source, options));
    });
}

/** The object of a fleet to restore. */
type FleetMember = { fleetId: string } & MemberChoice;

function chooseMember(
  source: string | undefined,
  fleetId: string,
  options: RestoreOptions,
): FleetMember {
  if (source !== undefined) throw usageError("--fleet replaces the file or job; name only one");
  if (options.to !== undefined || options.dryRun === true) {
    throw usageError(
      "--fleet restores into the Worker's databases",
      `Download the object first: \`npx durable-export fleet download ${fleetId} --object-name NAME\`.`,
    );
  }
  requireUndoable(options);
  const name = options.member ?? options.objectName;
  if (name !== undefined) return { fleetId, name };
  if (options.objectId !== undefined) return { fleetId, id: options.objectId };
  throw usageError("--fleet needs the object to restore: --member, --object-name or --object-id");
}

async function runFromFleet(
  context: Context,
  from: FleetMember,
  options: RestoreOptions,
): Promise<Restore> {
  const job = openJob(context, options);
  await confirmIfNeeded(context, await requireTarget(job.api, options.target), options);
  return restoreStored(job, from);
}

function requireUndoable({ undoOnFailure, replace }: RestoreOptions): void {
  if (undoOnFailure !== true || replace === true) return;
  throw usageError("--undo-on-failure needs --replace: otherwise there is nothing to undo");
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
  requireUndoable(options);
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
  const job = openJob(context, options);
  // Finds out before the upload whether the Worker would refuse the restore.
  const checkTarget = () => requireTarget(job.api, options.target);
  if (isJobId(source)) {
    await confirmIfNeeded(context, await checkTarget(), options);
    return restoreStored(job, { jobId: source });
  }
  const restoreIt = async (script: ScriptInput) => {
    // A file that is not a script fails before this, so the user is not asked in vain.
    await confirmIfNeeded(context, await checkTarget(), options);
    return restoreScript(job, script, { isFresh: options.fresh === true });
  };
  return using(context, { source, options }, restoreIt, checkTarget);
}

function openJob({ terminal, host, client }: Context, options: RestoreOptions): RestoreJob {
  const timeoutMs =
    options.timeout === undefined ? undefined : parseDurationMs(options.timeout, "--timeout");
  return { api: client(), terminal, host, request: toRequest(options), timeoutMs };
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
