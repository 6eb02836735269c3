import { describeConsistency } from "../cli/consistency.ts";
import type { DownloadResult } from "../cli/download-artifacts.ts";
import type { Fleet } from "../cli/fleet-answers.ts";
import { describeMasked } from "../cli/parse-masks.ts";
import { describeProved } from "../cli/restored-itself.ts";
import { formatBytes, formatCount, formatNumberOf, oneLine } from "../cli/format.ts";

/** GitHub refuses a summary over 1 MiB; a table's name may have 1,000 characters. */
const TABLES_SHOWN_MAX = 300;
const FAILURES_SHOWN_MAX = 100;

/** The job's summary page in Markdown: what was saved, and its tables. */
export function summaryMarkdown(result: DownloadResult, isRestored: boolean): string {
  const { masked } = result;
  const proved = describeProved(result.proof, masked.length > 0);
  const facts: [string, string][] = [
    ["Job", code(result.jobId)],
    ["Source", code(result.source)],
    ["Format", code(`${result.format}, compression ${result.compression}`)],
    ["Consistency", code(`${describeConsistency(result)}, as of ${result.snapshotAt}`)],
    ["File", code(result.path ?? "")],
    ["Size", `${formatBytes(result.bytes)} (${formatNumberOf(result.bytes, "byte")})`],
    ["Rows", formatCount(result.rows)],
    ...maskedFacts(masked),
    ["Checked", checked(result, isRestored)],
    ...(proved === undefined ? [] : [["Proof", code(proved)] satisfies [string, string]]),
  ];
  const shown = result.tables.slice(0, TABLES_SHOWN_MAX);
  const rest = result.tables.length - shown.length;
  return [
    "## Durable Export",
    "",
    "| | |",
    "| --- | --- |",
    ...facts.map(([name, value]) => `| ${name} | ${value} |`),
    "",
    ...result.warnings.map((warning) => `> :warning: ${text(warning)}\n`),
    "| Table | Rows | Bytes of text |",
    "| --- | ---: | ---: |",
    ...shown.map(
      ({ name, rows, bytes }) => `| ${code(name)} | ${formatCount(rows)} | ${formatCount(bytes)} |`,
    ),
    ...(rest > 0
      ? ["", `… and ${formatNumberOf(rest, "more table")}: the manifest lists all of them.`]
      : []),
    "",
    "",
  ].join("\n");
}

/** The summary page of a completed fleet in Markdown: its counts, and its first failures. */
export function fleetMarkdown(fleet: Fleet): string {
  const { fleetId, source, members, progress, masked, failures } = fleet;
  const facts: [string, string][] = [
    ["Fleet", code(fleetId)],
    ["Source", code(source)],
    ["Objects", formatCount(members.packed + members.exported)],
    ["Empty", formatCount(members.empty)],
    ["Failed", formatCount(members.failed)],
    ["Size", `${formatBytes(progress.bytes)} (${formatNumberOf(progress.bytes, "byte")})`],
    ["Rows", formatCount(progress.rows)],
    ...maskedFacts(masked),
  ];
  return [
    "## Durable Export",
    "",
    "| | |",
    "| --- | --- |",
    ...facts.map(([name, value]) => `| ${name} | ${value} |`),
    "",
    ...failures
      .slice(0, FAILURES_SHOWN_MAX)
      .map((failure) => `> :warning: ${code(failure.member)}: ${text(failure.message)}\n`),
    "",
  ].join("\n");
}

/** The summary page of an export that failed. */
export function failureMarkdown(message: string, hint: string | undefined): string {
  return `## Durable Export\n\n:x: ${text(message)}\n\n${hint === undefined ? "" : `${text(hint)}\n\n`}`;
}

function maskedFacts(masked: DownloadResult["masked"]): [string, string][] {
  return masked.length === 0 ? [] : [["Masked", code(describeMasked(masked))]];
}

function checked({ sha256, sqlite }: DownloadResult, isRestored: boolean): string {
  const whole = sqlite ? "SHA-256 of the dump" : "SHA-256 of every file";
  const sum = sha256 === null ? whole : `SHA-256 ${code(sha256)}`;
  const restored = isRestored ? "; restored, with every table's rows counted" : "";
  return `${sum}${restored}`;
}

/**
 * Names are untrusted text. They are written as HTML, which unlike Markdown has an escape for every
 * character.
 */
function code(value: string): string {
  return `<code>${text(value)}</code>`;
}

function text(value: string): string {
  return oneLine(value).replaceAll(/[&<>|`*_[\]\\:@#~]/g, (char) => `&#${char.charCodeAt(0)};`);
}
