import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Command } from "commander";

import { usageError } from "../cli-error.ts";
import type { Context } from "../context.ts";
import type { Host } from "../host.ts";
import { addBackup } from "../init/add-backup.ts";
import { askPlan, askYesNo, type Questioner } from "../init/ask-plan.ts";
import {
  type BackupPlan,
  checkBucket,
  checkSchedule,
  checkSources,
  checkWorkerName,
  planD1,
  planDurableObject,
  planEmbedded,
  type PlannedSource,
  planStarbasedb,
} from "../init/backup-plan.ts";
import { JsoncFile } from "../init/jsonc-file.ts";
import { describeNeeds, isInstalled } from "../init/worker-needs.ts";
import { diskError } from "../partial-file.ts";
import { docsUrl } from "../../src/api/docs-url.ts";

interface InitOptions {
  d1?: PlannedSource[];
  starbasedb?: PlannedSource;
  durableObject?: PlannedSource[];
  embedded?: boolean;
  name?: string;
  bucket?: string;
  schedule?: string;
  yes?: boolean;
}

/** The compatibility date of a new Worker, which is also this project's. */
const COMPATIBILITY_DATE = "2026-11-01";

/**
 * A new Worker's main file. It is assembled, because publint mistakes a bundle that contains this text for a
 * module.
 */
const WORKER = ["{ default }", "*"]
  .map((what) => `export ${what} from "durable-export/worker";\n`)
  .join("");

/** `init`: writes the configuration of a Worker that makes backups. */
export function addInit(program: Command, open: (command: Command) => Context): void {
  const collect =
    (plan: (text: string) => PlannedSource) =>
    (text: string, before: PlannedSource[] = []): PlannedSource[] => [...before, plan(text)];
  program
    .command("init")
    .description("write wrangler.jsonc for a backup Worker, or add backups to an existing one")
    .argument("[folder]", "the Worker's folder", ".")
    .option("--d1 <name:id>", "back up this D1 database; may be repeated", collect(planD1))
    .option("--starbasedb <script>", "back up the StarbaseDB Worker of this name", planStarbasedb)
    .option(
      "--durable-object <binding=Class>",
      "back up the objects of a class, as BINDING=Class or, if another Worker exports it, BINDING=Class@script; may be repeated",
      collect(planDurableObject),
    )
    .option("--embedded", "back up a database of the Worker itself")
    .option("--name <worker>", "the name of a new Worker (default: the folder's)")
    .option("--bucket <name>", "the R2 bucket (default: the Worker's name)", checkBucket)
    .option("--schedule <cron>", "export on this schedule, in UTC", checkSchedule)
    .option("-y, --yes", "change an existing wrangler.jsonc without asking")
    .action(async (folder: string, options: InitOptions, self: Command) => {
      await runInit(open(self), resolve(folder), options);
    });
}

async function runInit(context: Context, folder: string, options: InitOptions): Promise<void> {
  const { terminal, host } = context;
  const path = findConfig(folder);
  const isNew = path === undefined;
  const configPath = path ?? join(folder, "wrangler.jsonc");
  const file = new JsoncFile(isNew ? newConfig(folder, options) : readText(configPath), configPath);
  const name = typeof file.value["name"] === "string" ? file.value["name"] : "durable-export";
  const questioner = findQuestioner(host, context);
  const plan = await makePlan(options, questioner, name);
  checkSources(plan.sources);
  if (isNew) requireClassesOfOthers(plan);
  const added = addBackup(file, plan, configPath);
  if (!isNew && added.length > 0) await requireConsent(added, configPath, options, questioner);
  const written: string[] = [];
  if (isNew) {
    writeNew(join(folder, "worker.ts"), WORKER);
    written.push("worker.ts");
  }
  if (added.length > 0) {
    replaceFile(configPath, file.text);
    written.push(basename(configPath));
  }
  const next = listNext(plan, added);
  terminal.print(
    written.length === 0
      ? `${configPath} already has everything.`
      : written.map((each) => `Wrote ${each}.`).join("\n"),
  );
  if (!isNew) for (const line of added) terminal.note(`  added ${line}`);
  for (const need of describeNeeds(file.value, { folder, plan })) terminal.note(need);
  terminal.note(
    "For local development, put ADMIN_AUTHORIZATION_TOKEN=<any text> into .dev.vars, which Git must ignore.",
  );
  if (plan.sources.length > 0) {
    terminal.note(
      `To allow restores into a source, set "writable": true in EXPORT_SOURCES: ${docsUrl("restore.md")}`,
    );
  }
  const place = folder === process.cwd() ? "" : `, in ${folder}`;
  const steps = isInstalled(folder)
    ? next
    : [`Install wrangler (Node 22 or newer) and durable-export: ${docsUrl("library.md")}`, ...next];
  terminal.print(`Next${place}:\n${steps.map((line) => `  ${line}`).join("\n")}`);
  terminal.printJson({ config: configPath, written, added, next });
}

/** Returns the configuration file that wrangler reads in a folder. Throws a usage error for TOML. */
function findConfig(folder: string): string | undefined {
  const found = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"].find((name) =>
    existsSync(join(folder, name)),
  );
  if (found === undefined) return undefined;
  if (!found.endsWith(".toml")) return join(folder, found);
  throw usageError(
    `${join(folder, found)} is TOML, and init changes only JSON`,
    "Write it as wrangler.jsonc, or make a Worker of its own: `npx durable-export init backup-worker`.",
  );
}

function newConfig(folder: string, options: InitOptions): string {
  if (existsSync(join(folder, "worker.ts"))) {
    throw usageError(
      `${join(folder, "worker.ts")} exists, but no wrangler.jsonc next to it`,
      "Name another folder: `npx durable-export init backup-worker`.",
    );
  }
  const fromFolder = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "-");
  const name = checkWorkerName(options.name ?? fromFolder, "--name");
  return `// Backs up databases to R2. Every field: ${docsUrl("deploy.md")}
{
  "$schema": "node_modules/wrangler/config-schema.json",
  "name": ${JSON.stringify(name)},
  "main": "worker.ts",
  "compatibility_date": "${COMPATIBILITY_DATE}",
  "observability": { "enabled": true },
}
`;
}

/** A new Worker exports only this project's classes. */
function requireClassesOfOthers({ sources }: BackupPlan): void {
  for (const { object, isEmbedded } of sources) {
    if (object === undefined || object.script_name !== undefined || isEmbedded === true) continue;
    throw usageError(
      `a new Worker has no class ${object.class_name}`,
      `Name the Worker that exports it: ${object.name}=${object.class_name}@my-app.`,
    );
  }
}

async function makePlan(
  options: InitOptions,
  questioner: Questioner | undefined,
  workerName: string,
): Promise<BackupPlan> {
  const sources = [
    ...(options.d1 ?? []),
    ...(options.starbasedb === undefined ? [] : [options.starbasedb]),
    ...(options.durableObject ?? []),
    ...(options.embedded === true ? [planEmbedded()] : []),
  ];
  const { bucket, schedule } = options;
  const bucketDefault = workerName.replaceAll("_", "-").padEnd(3, "-backup");
  if (sources.length === 0 && questioner !== undefined) {
    return askPlan(questioner, { sources, bucket, schedule }, bucketDefault);
  }
  return { sources, bucket: bucket ?? checkBucket(bucketDefault), schedule };
}

/** Returns the terminal to ask at; undefined if nobody is there to answer. */
function findQuestioner(
  { stdin, stderr, interrupt }: Host,
  { terminal }: Context,
): Questioner | undefined {
  const isAttended = stdin?.isTTY === true && stderr.isTTY === true && terminal.mode === "human";
  return isAttended ? { stdin, stderr, interrupt } : undefined;
}

async function requireConsent(
  added: readonly string[],
  path: string,
  { yes }: InitOptions,
  questioner: Questioner | undefined,
): Promise<void> {
  if (yes === true) return;
  if (questioner === undefined) {
    throw usageError(`${path} exists`, "Give --yes to add to it; nothing in it is replaced.");
  }
  const list = added.map((line) => `  ${line}\n`).join("");
  questioner.stderr.write(`${path} gets:\n${list}`);
  if (!(await askYesNo(questioner, "Write it?"))) throw usageError("nothing was changed");
}

function listNext(plan: BackupPlan, added: readonly string[]): string[] {
  const isBucketNew = added.some((line) => line.startsWith("r2_buckets"));
  return [
    ...(isBucketNew ? [`npx wrangler r2 bucket create ${plan.bucket}`] : []),
    "npx wrangler deploy",
    "npx wrangler secret put ADMIN_AUTHORIZATION_TOKEN",
  ];
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw diskError(error, path, false);
  }
}

/** Never replaces a file. */
function writeNew(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: "wx" });
  } catch (error) {
    throw diskError(error, path, false);
  }
}

/** A crash leaves the old file or the new one. */
function replaceFile(path: string, text: string): void {
  try {
    writeFileSync(`${path}.tmp`, text);
    renameSync(`${path}.tmp`, path);
  } catch (error) {
    throw diskError(error, path, false);
  }
}
