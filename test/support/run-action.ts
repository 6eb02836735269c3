import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { parse } from "yaml";

const REPOSITORY = join(import.meta.dirname, "..", "..");

/** The Action's metadata: at the root for the Marketplace and the short `uses:`, and at its first path. */
export const ACTION_FILES = ["action.yml", "action/action.yml"] as const;

export type ActionPath = (typeof ACTION_FILES)[number];

/** The members of action.yml that a runner reads. */
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

/**
 * Returns the contents of one of the Action's two files, by default the one that `uses:
 * OWNER/REPO@v1` reads.
 */
export function readActionFile(path: ActionPath = "action.yml"): ActionFile {
  return parse(readFileSync(join(REPOSITORY, path), "utf8")) as ActionFile;
}

/**
 * Runs the Action like a GitHub runner: `runs.main`, a path from the folder of action.yml, by Node,
 * with each input, or its default, as INPUT_<NAME>, and files for outputs and summary. `signal`
 * receives the running process.
 */
export async function runAction(
  inputs: Record<string, string>,
  options: {
    folder: string;
    actionPath?: ActionPath;
    onLog?: (text: string, kill: () => void) => void;
  },
): Promise<ActionResult> {
  const { actionPath = "action.yml" } = options;
  const action = readActionFile(actionPath);
  const main = join(REPOSITORY, dirname(actionPath), action.runs.main);
  const runner = mkdtempSync(join(tmpdir(), "runner-"));
  const outputPath = join(runner, "output");
  const summaryPath = join(runner, "summary");
  for (const path of [outputPath, summaryPath]) writeFileSync(path, "");
  try {
    const child = spawn(process.execPath, [main], {
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
