import type { Command } from "commander";

import { usageError } from "../cli-error.ts";
import { findLocalDatabase, type LocalDatabase } from "../clone/local-database.ts";
import { inUse, removeUnfinished, requireReplaceable } from "../clone/local-file.ts";
import { LocalKeyValues } from "../clone/local-key-values.ts";
import type { Context } from "../context.ts";
import { dumpJob } from "../dump-job.ts";
import { parseDurationMs } from "../duration.ts";
import { requestBodyOf } from "../export-options.ts";
import { formatNumberOf } from "../format.ts";
import { optionOf, repeatedOption } from "../option-of.ts";
import { importSqlite } from "../import-sqlite.ts";

interface CloneOptions {
  from?: string;
  toLocal: string;
  objectName?: string;
  objectId?: string;
  toObject?: string;
  binding?: string;
  wranglerConfig?: string;
  env?: string;
  mask?: string[];
  table?: string[];
  exclude?: string[];
  consistency?: string;
  replace?: boolean;
  timeout?: string;
  fresh?: boolean;
}

/** `clone`: copies a database of the Worker into the state of `wrangler dev`. */
export function addClone(program: Command, open: (command: Command) => Context): void {
  program
    .command("clone")
    .description("copy a database into the local state of wrangler dev, plain or masked")
    .requiredOption(
      "--to-local <folder>",
      "the project's folder, or the one that wrangler dev --persist-to names",
    )
    .option("--from <name>", "the source to copy (default: the only one, or main)")
    .option("--object-name <name>", "the Durable Object with this name, if the source has many")
    .option("--object-id <id>", "the Durable Object with this id, if the source has many")
    .option("--to-object <name>", "the local Durable Object to fill (default: the same name)")
    .option("--binding <name>", "the local binding (default: the source's, or the only one)")
    .option("--wrangler-config <file>", "the configuration (default: the nearest one)")
    .option("--env <name>", "the environment in it")
    .addOption(
      repeatedOption(
        "--mask <mask>",
        "replace a column's values: users.email=null, =length, =template:TEXT, =value:TEXT",
      ),
    )
    .addOption(repeatedOption("--table <pattern>", "copy only this table; * is a wildcard"))
    .addOption(repeatedOption("--exclude <pattern>", "leave out this table; * is a wildcard"))
    .addOption(
      optionOf("--consistency <kind>", "one instant, or each row at the time it is read", [
        "snapshot",
        "live",
      ]),
    )
    .option("--replace", "delete what the local database contains")
    .option("--timeout <duration>", "cancel an export that takes longer: 90s, 30m, 2h")
    .option("--fresh", "start a new export even if an unfinished one exists")
    .action(async (options: CloneOptions, self: Command) => runClone(open(self), options));
}

async function runClone(context: Context, options: CloneOptions): Promise<void> {
  const { terminal, host } = context;
  const timeoutMs =
    options.timeout === undefined ? undefined : parseDurationMs(options.timeout, "--timeout");
  await importSqlite("clone");
  const client = context.client();
  const source = await findSource(client, options.from);
  const local = findLocalDatabase({ ...options, folder: options.toLocal, source });
  const shown = describe(local);
  const place = { shown, path: local.path, workerUrl: client.url };
  await requireReplaceable(place, options.replace === true);
  const keyValues = new LocalKeyValues();
  const result = await removingUnfinished(context, local.path, () =>
    dumpJob({
      client,
      terminal,
      host,
      request: requestBodyOf({ ...options, source: source.name, compression: "gzip" }),
      output: local.path,
      timeoutMs,
      isFresh: options.fresh === true,
      failIfEmpty: false,
      extras: {
        onStatement: (sql) => keyValues.add(sql),
        complete: (db) => keyValues.writeTo(db),
        inUse: () => inUse(place),
      },
    }),
  );
  const rows = formatNumberOf(result.rows, "row");
  terminal.finish(
    `${local.path}: ${rows} of ${source.name}, verified; wrangler dev opens it as ${shown}`,
    local.path,
  );
  terminal.printJson({ ...result, local });
}

/**
 * Unlike `dump`, Ctrl-C leaves nothing to resume: nobody looks for a plain dump among the files of wrangler. After any
 * other failure, the same command resumes.
 */
async function removingUnfinished<T>(
  { host }: Context,
  path: string,
  work: () => Promise<T>,
): Promise<T> {
  const remove = (): void => {
    if (host.interrupt.aborted) removeUnfinished(path);
  };
  // A second Ctrl-C ends the process at once.
  process.once("exit", remove);
  try {
    return await work();
  } finally {
    process.removeListener("exit", remove);
    remove();
  }
}

/** Returns the source to copy, and its type if the Worker reports it. */
async function findSource(
  client: ReturnType<Context["client"]>,
  named: string | undefined,
): Promise<{ name: string; type: string | undefined }> {
  const sources = (await client.findSources())?.sources;
  const [only] = sources ?? [];
  const name = named ?? (sources?.length === 1 ? only?.name : undefined) ?? "main";
  const found = sources?.find((each) => each.name === name);
  if (sources === undefined || found !== undefined) return { name, type: found?.type };
  throw usageError(
    `there is no source ${JSON.stringify(name)}`,
    `Choose one with --from: ${sources.map((each) => each.name).join(", ")}.`,
  );
}

function describe({ binding, object }: LocalDatabase): string {
  return object === null ? binding : `object ${object} of ${binding}`;
}
