import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { EOL } from "node:os";

/**
 * The protocol between a GitHub runner and an action, as documented at
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands (read
 * November 2026). It is written out here because GitHub's own toolkit includes an HTTP client of
 * 700 KB.
 */
type Env = Record<string, string | undefined>;

/** Returns an input's value without surrounding white space; "" if it is not given. */
export function getInput(env: Env, name: string): string {
  return (env[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`] ?? "").trim();
}

/** Passes a value to later steps. Does nothing outside a runner. */
export function setOutput(env: Env, name: string, value: string): void {
  const path = env["GITHUB_OUTPUT"];
  if (path === undefined || path === "") return;
  // Nobody can guess it, so no value can end its own text and set another output.
  const delimiter = `delimiter-${randomUUID()}`;
  appendFileSync(path, `${name}<<${delimiter}${EOL}${value}${EOL}${delimiter}${EOL}`);
}

/** Adds Markdown to the job's summary page. Does nothing outside a runner. */
export function appendSummary(env: Env, markdown: string): void {
  const path = env["GITHUB_STEP_SUMMARY"];
  if (path !== undefined && path !== "") appendFileSync(path, markdown);
}

/** Returns the log line after which the runner replaces `secret` with stars. */
export function maskLine(secret: string): string {
  return `::add-mask::${escape(secret)}\n`;
}

/** Returns the log line that becomes an annotation of the run. */
export function annotationLine(kind: "error" | "warning", message: string): string {
  return `::${kind} title=Durable Export::${escape(message)}\n`;
}

function escape(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
