import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";

import type { Command } from "commander";

import { COMPRESSION_NAMES } from "../../../src/api/compressions.ts";
import { usageError } from "../../cli-error.ts";
import type { Context } from "../../context.ts";
import { parseDurationMs } from "../../duration.ts";
import type { Fleet } from "../../fleet-answers.ts";
import { type FleetBody, FleetClient } from "../../fleet-client.ts";
import { describeFleet, followFleet, requireFleetCompleted } from "../../follow-fleet.ts";
import { oneLine } from "../../format.ts";
import { graceSignal } from "../../grace-signal.ts";
import { optionOf, repeatedOption } from "../../option-of.ts";
import { describeMasked, parseMasks } from "../../parse-masks.ts";
import {
  addRetentionOptions,
  parseRetentionOptions,
  type RetentionOptions,
} from "../../retention-options.ts";

interface DumpOptions extends RetentionOptions {
  source?: string;
  objectName?: string[];
  namesFile?: string;
  compression?: string;
  consistency?: string;
  content?: string;
  table?: string[];
  exclude?: string[];
  mask?: string[];
  copyTo?: string[];
  copyRequired?: boolean;
  encrypt?: string;
  callbackUrl?: string;
  failIfAny?: boolean;
  timeout?: string;
}

/** `fleet dump`: backs up many objects of a class, and follows the fleet. */
export function addFleetDump(fleet: Command, open: (command: Command) => Context): void {
  const named = fleet
    .command("dump")
    .description("back up many objects of a class; Ctrl-C leaves the fleet running")
    .option("--source <name>", "the configured source (default: the only one, or main)")
    .addOption(repeatedOption("--object-name <name>", "back up this object"))
    .option("--names-file <file>", "back up the objects that this file lists, one name per line")
    .addOption(
      optionOf("--compression <kind>", "their compression; default: none", COMPRESSION_NAMES),
    )
    .addOption(
      optionOf("--consistency <kind>", "of objects that do not fit into one turn", [
        "snapshot",
        "live",
      ]),
    )
    .addOption(
      optionOf("--content <part>", "which part of each database; default: all", [
        "all",
        "schema",
        "data",
      ]),
    )
    .addOption(repeatedOption("--table <pattern>", "export only this table; * is a wildcard"))
    .addOption(repeatedOption("--exclude <pattern>", "leave out this table; * is a wildcard"))
    .addOption(
      repeatedOption(
        "--mask <mask>",
        "replace a column's values in every object: users.email=null, =length, =template:TEXT, =value:TEXT",
      ),
    )
    .addOption(repeatedOption("--copy-to <name>", "a destination that gets a copy"))
    .option("--copy-required", "fail if a copy fails, instead of trying it again later")
    .addOption(
      optionOf("--encrypt <what>", "what age seals for the recipients of the Worker", ["copies"]),
    )
    .option("--callback-url <url>", "where the Worker sends the result");
  addRetentionOptions(named, "fleets")
    .option("--fail-if-any", "fail if any object cannot be backed up")
    .option("--timeout <duration>", "stop following after 90s, 30m, 2h; the fleet continues")
    .action(async (options: DumpOptions, self: Command) => {
      const { terminal, client } = open(self);
      const timeoutMs =
        options.timeout === undefined ? undefined : parseDurationMs(options.timeout, "--timeout");
      const body = await toBody(options);
      const api = client();
      const started = await new FleetClient(api).start(body, randomUUID(), graceSignal(api.signal));
      terminal.note(`fleet ${started.fleetId} started`);
      const ended = await followFleet(api, terminal, { fleetId: started.fleetId, timeoutMs });
      for (const warning of ended.warnings) terminal.warn(warning);
      for (const failure of ended.failures) terminal.warn(describeFailure(failure));
      requireFleetCompleted(ended);
      const { masked } = ended;
      if (masked.length > 0) terminal.note(oneLine(`masked: ${describeMasked(masked)}`));
      terminal.finish(describeFleet(ended), ended.fleetId);
      terminal.printJson(ended);
    });
}

/** The body of `POST /export/fleet`. It contains only the given options. */
async function toBody(options: DumpOptions): Promise<FleetBody> {
  const { objectName, namesFile, table, exclude, mask } = options;
  if (objectName !== undefined && namesFile !== undefined) {
    throw usageError("--object-name and --names-file cannot be combined");
  }
  const tables = {
    ...(table === undefined ? {} : { include: table }),
    ...(exclude === undefined ? {} : { exclude }),
  };
  const fields: FleetBody = {
    source: options.source,
    names: namesFile === undefined ? objectName : await readNames(namesFile),
    compression: options.compression,
    consistency: options.consistency,
    content: options.content,
    tables: Object.keys(tables).length === 0 ? undefined : tables,
    mask: mask === undefined ? undefined : parseMasks(mask),
    copyTo: options.copyTo,
    copyRequired: options.copyRequired,
    encrypt: options.encrypt,
    callbackUrl: options.callbackUrl,
    failIfAny: options.failIfAny,
    ...parseRetentionOptions(options),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

async function readNames(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw usageError(
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const names = text.split(/\r?\n/).filter((line) => line !== "");
  if (names.length === 0) throw usageError(`${path} lists no names`);
  return names;
}

/** Returns one line about an object that could not be backed up. */
export function describeFailure({ member, code, message }: Fleet["failures"][number]): string {
  return oneLine(`object ${JSON.stringify(member)} failed: ${code}: ${message}`);
}
