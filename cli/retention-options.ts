import type { Command } from "commander";

import { RETENTION_HOURS_MAX } from "../src/api/limits.ts";
import type { RetentionPolicy } from "../src/api/retention-policy.ts";
import { parseCount } from "./context.ts";
import { parseKeepRules } from "./keep-rules.ts";

/** How long the Worker keeps the files of an export or a fleet. */
export interface RetentionOptions {
  retentionHours?: string;
  series?: string;
  keep?: string;
}

/** Adds the options to a command that starts `what`, such as "exports". */
export function addRetentionOptions(command: Command, what: string): Command {
  return command
    .option(
      "--retention-hours <hours>",
      `how many hours the Worker keeps the files: 1 to ${RETENTION_HOURS_MAX}`,
    )
    .option("--series <name>", `the series of ${what} that a policy keeps, instead of hours`)
    .option(
      "--keep <rules>",
      "what the series keeps, such as last=3,daily=7,monthly=12; default: EXPORT_RETENTION",
    );
}

/** Returns the fields of a request's body; undefined for options that are not given. */
export function parseRetentionOptions({ retentionHours, series, keep }: RetentionOptions): {
  retentionHours: number | undefined;
  series: string | undefined;
  retention: RetentionPolicy | undefined;
} {
  return {
    retentionHours:
      retentionHours === undefined
        ? undefined
        : parseCount(retentionHours, "--retention-hours", 1, RETENTION_HOURS_MAX),
    series,
    retention: keep === undefined ? undefined : parseKeepRules(keep, "--keep"),
  };
}
