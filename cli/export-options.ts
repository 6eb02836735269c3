import type { Command } from "commander";

import { COMPRESSION_NAMES } from "../src/api/compressions.ts";
import { ENCRYPTIONS } from "../src/api/copies.ts";
import { findFormat, FORMAT_DEFAULT, FORMAT_NAMES } from "../src/api/formats.ts";
import { VERIFICATIONS } from "../src/api/proof.ts";
import type { RequestBody } from "./api-client.ts";
import { usageError } from "./cli-error.ts";
import { optionOf, repeatedOption } from "./option-of.ts";
import { parseMasks } from "./parse-masks.ts";
import {
  addRetentionOptions,
  parseRetentionOptions,
  type RetentionOptions,
} from "./retention-options.ts";

/** What `dump` and `start` can request from the Worker. */
export interface ExportOptions extends RetentionOptions {
  source?: string;
  objectName?: string;
  objectId?: string;
  format?: string;
  compression?: string;
  consistency?: string;
  content?: string;
  verify?: string;
  table?: string[];
  exclude?: string[];
  mask?: string[];
  copyTo?: string[];
  copyRequired?: boolean;
  encrypt?: string;
  callbackUrl?: string;
}

/**
 * Adds the options to a command. The Worker checks their values: it may know more than this
 * program.
 */
export function addExportOptions(command: Command): Command {
  const named = command
    .option("--source <name>", "the configured source to export (default: the only one, or main)")
    .option("--object-name <name>", "the Durable Object with this name, if the source has many")
    .option("--object-id <id>", "the Durable Object with this id, if the source has many")
    .addOption(
      optionOf("--format <format>", `the files' format; default: ${FORMAT_DEFAULT}`, FORMAT_NAMES),
    )
    .addOption(
      optionOf("--compression <kind>", "their compression; default: none", COMPRESSION_NAMES),
    )
    .addOption(
      optionOf("--consistency <kind>", "one instant, or each row at the time it is read", [
        "snapshot",
        "live",
      ]),
    )
    .addOption(
      optionOf("--content <part>", "which part of the database; default: all", [
        "all",
        "schema",
        "data",
      ]),
    )
    .addOption(
      optionOf(
        "--verify <method>",
        "checksum, or restore: the Worker also restores the dump to prove it; default: checksum",
        VERIFICATIONS,
      ),
    )
    .addOption(repeatedOption("--table <pattern>", "export only this table; * is a wildcard"))
    .addOption(repeatedOption("--exclude <pattern>", "leave out this table; * is a wildcard"))
    .addOption(
      repeatedOption(
        "--mask <mask>",
        "replace a column's values: users.email=null, =length, =template:TEXT, =value:TEXT",
      ),
    )
    .addOption(repeatedOption("--copy-to <name>", "a destination that gets a copy"))
    .option("--copy-required", "fail if a copy fails, instead of trying it again later")
    .addOption(
      optionOf(
        "--encrypt <what>",
        "what age seals for the recipients of the Worker: copies, or all files",
        ENCRYPTIONS,
      ),
    )
    .option("--callback-url <url>", "where the Worker sends the result");
  return addRetentionOptions(named, "exports");
}

/** Returns the body of `POST /export/dump`: only the options that were given. */
export function requestBodyOf(options: ExportOptions): RequestBody {
  const tables = {
    ...(options.table === undefined ? {} : { include: options.table }),
    ...(options.exclude === undefined ? {} : { exclude: options.exclude }),
  };
  requireProvable(options);
  const fields: RequestBody = {
    source: options.source,
    name: options.objectName,
    id: options.objectId,
    format: options.format,
    compression: options.compression,
    consistency: options.consistency,
    content: options.content,
    verify: options.verify,
    mask: options.mask === undefined ? undefined : parseMasks(options.mask),
    tables: Object.keys(tables).length === 0 ? undefined : tables,
    copyTo: options.copyTo,
    copyRequired: options.copyRequired,
    encrypt: options.encrypt,
    callbackUrl: options.callbackUrl,
    ...parseRetentionOptions(options),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The Worker may know formats that this program does not, and decides about those. */
function requireProvable({ verify, format = FORMAT_DEFAULT, content }: ExportOptions): void {
  if (verify !== "restore") return;
  if (findFormat(format)?.isSqlScript === false) {
    throw usageError(
      `--verify restore restores the dump, and a dump in ${format} cannot be restored`,
      "Use --format sql, or leave out --verify restore.",
    );
  }
  if (content === "data") {
    throw usageError(
      "--verify restore restores the dump, and rows without their tables cannot be restored",
      "Leave out --content data or --verify restore.",
    );
  }
}
