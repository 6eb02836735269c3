import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parse } from "yaml";

const ACTION_FOLDER = join(import.meta.dirname, "..", "..", "action");

/** The members of action.yml that a runner looks at. */
export interface ActionFile {
  inputs: Record<string, { required?: boolean; default?: string }>;
  outputs: Record<string, object>;
  runs: { using: string; main: string };
}

export interface ActionResult {
  exitCode: number | null;
  log: string;
  outputs: Record<string, string>;
  summary: string;
}

export function readActionFile(): ActionFile {
  return parse(readFileSync(join(ACTION_FOLDER, "action.yml"), "utf8")) as ActionFile;
}

/**
 * Runs the Action as a GitHub runner does: `runs.main` of action.yml by Node, with each input, or
 * its default, as INPUT_<NAME>, and files for outputs and summary. `signal` gets the running process.
 */
export async function runAction(
  inputs: Record<string, string>,
  options: { folder: string; onLog?: (text: string, kill: () => void) => void },
): Promise<ActionResult> {
  const action = readActionFile();
  const runner = mkdtempSync(join(tmpdir(), "runner-"));
  const outputPath = join(runner, "output");
  const summaryPath = join(runner, "summary");
  for (const path of [outputPath, summaryPath]) writeFileSync(path, "");
  try {
    const child = spawn(process.execPath, [join(ACTION_FOLDER, action.runs.main)], {
      cwd: options.folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HOME: runner,
        CI: "true",
        GITHUB_ACTIONS: "true",
        GITHUB_WORKSPACE: options.folder,
        GITHUB_OUTPUT: outputPath,
        GITHUB_STEP_SUMMARY: summaryPath,
        ...inputVariables(action, inputs),
      },
    });
    let log = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        log += text;
        options.onLog?.(text, () => child.kill("SIGINT"));
      });
    }
    const [exitCode] = (await once(child, "close")) as [number | null];
    return {
      exitCode,
      log,
      outputs: parseOutputs(readFileSync(outputPath, "utf8")),
      summary: readFileSync(summaryPath, "utf8"),
    };
  } finally {
    rmSync(runner, { recursive: true });
  }
}

function inputVariables(action: ActionFile, inputs: Record<string, string>) {
  return Object.fromEntries(
    Object.entries(action.inputs).map(([name, { default: byDefault = "" }]) => [
      `INPUT_${name.replaceAll(" ", "_").toUpperCase()}`,
      inputs[name] ?? byDefault,
    ]),
  );
}

/** `NAME<<DELIMITER`, lines, `DELIMITER`. */
function parseOutputs(text: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at += 1) {
    const match = /^([^<]+)<<(.+)$/.exec(lines[at] ?? "");
    if (match === null) continue;
    const [, name = "", delimiter = ""] = match;
    const end = lines.indexOf(delimiter, at);
    outputs[name] = lines.slice(at + 1, end).join("\n");
    at = end;
  }
  return outputs;
}
