import { FORMAT_DEFAULT } from "../src/api/formats.ts";
import { RETENTION_HOURS_MAX } from "../src/api/limits.ts";
import { parseCount } from "../cli/context.ts";
import { usageError } from "../cli/cli-error.ts";
import { type ExportOptions, requestBodyOf } from "../cli/export-options.ts";
import type { RequestBody } from "../cli/api-client.ts";
import type { FleetBody } from "../cli/fleet-client.ts";
import { parseDurationMs } from "../cli/duration.ts";
import { isRestorable } from "../cli/verify-restore.ts";

/** The values in the workflow's `with:`. */
export interface Inputs {
  url: string;
  token: string;
  request: RequestBody;
  /** Undefined: named after the source. */
  path: string | undefined;
  timeoutMs: number;
  isRestored: boolean;
  failIfEmpty: boolean;
  /** The fleet to start instead of an export; undefined for an export. */
  fleet: FleetBody | undefined;
}

/** Reads the inputs by name; action.yml sets their defaults. Throws a usage error that names the input. */
export function readInputs(getInput: (name: string) => string): Inputs {
  const options: ExportOptions = {};
  for (const name of [
    "source",
    "format",
    "compression",
    "consistency",
    "content",
    "verify",
    "encrypt",
  ] as const) {
    const value = getInput(name);
    if (value !== "") options[name] = value;
  }
  const retention = getInput("retention");
  if (retention !== "")
    options.retentionHours = String(
      parseCount(retention, "the input retention", 1, RETENTION_HOURS_MAX),
    );
  const series = getInput("series");
  if (series !== "") options.series = series;
  const keep = getInput("keep");
  if (keep !== "") options.keep = keep;
  const include = linesOf(getInput("tables"));
  if (include.length > 0) options.table = include;
  const exclude = linesOf(getInput("exclude"));
  if (exclude.length > 0) options.exclude = exclude;
  const mask = linesOf(getInput("mask"));
  if (mask.length > 0) options.mask = mask;
  const copyTo = linesOf(getInput("copy-to"));
  if (copyTo.length > 0) options.copyTo = copyTo;
  if (readBoolean(getInput, "copy-required")) options.copyRequired = true;
  const request = requestBodyOf(options);
  const fleet = readFleet(getInput, request);
  if (fleet !== undefined) requireInputsOfFleet(request);
  const isRestored = readBoolean(getInput, "restore");
  if (fleet !== undefined && isRestored) {
    throw usageError("the input restore needs a file, and a fleet stays in the Worker's bucket");
  }
  if (
    isRestored &&
    (!isRestorable(options.format ?? FORMAT_DEFAULT) || options.content === "data")
  ) {
    throw usageError("the input restore requires an SQL export that includes the schema");
  }
  if (isRestored && options.encrypt === "all") {
    throw usageError("the input restore needs a file that is not sealed: leave out encrypt: all");
  }
  return {
    url: required(getInput, "url"),
    token: required(getInput, "token"),
    request,
    path: getInput("path") || undefined,
    timeoutMs: parseDurationMs(getInput("timeout") || "60m", "the input timeout"),
    isRestored,
    failIfEmpty: readBoolean(getInput, "fail-if-empty"),
    fleet,
  };
}

/** What the Action's inputs say of an export, and a fleet does not have. */
const EXPORT_ONLY = {
  verify: "verify",
} satisfies Partial<Record<keyof RequestBody, string>>;

/** Throws a usage error for an input that a fleet would ignore. */
function requireInputsOfFleet(request: RequestBody): void {
  for (const [field, input] of Object.entries(EXPORT_ONLY)) {
    if (!(field in request)) continue;
    throw usageError(`the input ${input} is for exports of one database, not for a fleet`);
  }
  const { format = FORMAT_DEFAULT } = request;
  if (format === FORMAT_DEFAULT) return;
  throw usageError("the input format is not for a fleet, whose dumps are SQL scripts");
}

/** Returns the body of `POST /export/fleet`: a fleet shares some inputs with an export. Undefined for an export. */
function readFleet(
  getInput: (name: string) => string,
  request: RequestBody,
): FleetBody | undefined {
  if (!readBoolean(getInput, "fleet")) return undefined;
  const { source, compression, consistency, content, tables, mask } = request;
  const { retentionHours, series, retention } = request;
  const names = linesOf(getInput("names"));
  const fields: FleetBody = {
    source,
    names: names.length === 0 ? undefined : names,
    compression,
    consistency,
    content,
    tables,
    mask,
    copyTo: request["copyTo"],
    copyRequired: request["copyRequired"],
    encrypt: request["encrypt"],
    retentionHours,
    series,
    retention,
    failIfAny: readBoolean(getInput, "fail-if-any") || undefined,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function required(getInput: (name: string) => string, name: string): string {
  const value = getInput(name);
  if (value !== "") return value;
  throw usageError(
    `the input ${name} is empty`,
    "A secret that does not exist is empty too; pull requests from forks get none.",
  );
}

function linesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** False if the input is empty. */
function readBoolean(getInput: (name: string) => string, name: string): boolean {
  const text = getInput(name);
  if (text === "true") return true;
  if (text === "false" || text === "") return false;
  throw usageError(`the input ${name} must be true or false, not ${JSON.stringify(text)}`);
}
