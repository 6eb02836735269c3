import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import * as esbuild from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { buildCommands } from "../scripts/build-commands.mjs";
import { runCli } from "../test/support/run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "completion-"));

beforeAll(async () => {
  await buildCommands(esbuild, { folder, names: ["cli"] });
  const command = join(folder, "durable-export");
  const bundle = join(folder, "dist/cli/durable-export.cjs");
  writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${bundle}" "$@"\n`);
  chmodSync(command, 0o755);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What bash offers for these words, the last of which is being typed, and what it complains of. */
function completeInBash(words: string[]): { candidates: string[]; errors: string } {
  const script = [
    'eval "$(durable-export complete bash)"',
    `COMP_WORDS=(durable-export ${words.map((word) => `'${word}'`).join(" ")})`,
    `COMP_CWORD=${words.length}`,
    "_durable_export 2>&3",
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join("\n");
  const output = execFileSync("bash", ["--norc", "-c", `{ ${script}\n} 3>&1`], {
    encoding: "utf8",
    env: { PATH: `${folder}${delimiter}${process.env["PATH"]}` },
  });
  const lines = output.split("\n").filter((line) => line !== "");
  return {
    candidates: lines.filter((line) => /^[\w-]+$/.test(line)),
    errors: lines.filter((line) => !/^[\w-]+$/.test(line)).join("\n"),
  };
}

/** The candidates that the script passes to zsh for these words, as `value` or `value:description`. */
function completeInZsh(words: string[]): string[] {
  const script = [
    "compdef() { : }",
    '_describe() { print -rl -- "${(@P)2}" }',
    'eval "$(durable-export complete zsh)"',
    `words=(durable-export ${words.map((word) => `'${word}'`).join(" ")})`,
    `CURRENT=${words.length + 1}`,
    "_durable_export",
  ].join("\n");
  const output = execFileSync("zsh", ["-f", "-c", script], {
    encoding: "utf8",
    env: { PATH: `${folder}${delimiter}${process.env["PATH"]}` },
  });
  return output.trimEnd().split("\n");
}

describe.skipIf(spawnSync("zsh", ["-c", "exit"]).status !== 0)("in zsh", () => {
  test("describes commands, and lists values without a description by themselves", () => {
    expect(completeInZsh(["dum"])).toEqual([expect.stringMatching(/^dump:export, download/)]);
    expect(completeInZsh(["dump", "--format", ""])).toEqual([
      "sql",
      "csv",
      "json",
      "ndjson",
      "parquet",
    ]);
  });
});

// Windows runs no shell script by its name.
describe.skipIf(process.platform === "win32")("in a shell", () => {
  test("completes commands in a bash without the package bash-completion", () => {
    expect(completeInBash(["do"])).toEqual({ candidates: ["download", "doctor"], errors: "" });
  });

  test("completes options and their values in bash", () => {
    expect(completeInBash(["dump", "--comp"]).candidates).toEqual(["--compression"]);
    expect(completeInBash(["dump", "--format", "n"]).candidates).toEqual(["ndjson"]);
    expect(completeInBash(["dump", "--verify", "r"]).candidates).toEqual(["restore"]);
    expect(completeInBash(["restore", "--dry"]).candidates).toEqual(["--dry-run"]);
    expect(completeInBash(["restore", "--verify", "d"]).candidates).toEqual(["digest"]);
  });

  test("leaves file names to bash", async () => {
    expect(completeInBash(["verify", ""]).candidates).toEqual([]);
    expect(completeInBash(["restore", ""]).candidates).toEqual([]);
    const { stdout } = await runCli(["complete", "bash"], { url: "" });
    expect(stdout).toContain("complete -o default");
  });

  test("evaluates nothing that was typed", () => {
    expect(completeInBash(["$(touch evil)"]).candidates).toEqual([]);
    expect(() => execFileSync("ls", ["evil"], { stdio: "ignore" })).toThrow();
  });
});

test.each([[["complete"]], [["complete", "tcsh"]]])("%j names the shells", async (args) => {
  const result = await runCli(args, { url: "" });
  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain("bash, zsh, fish, powershell");
});

test("help of a command lists its own options and the global ones", async () => {
  for (const args of [
    ["help", "dump"],
    ["dump", "--help"],
  ]) {
    const { stdout, exitCode } = await runCli(args, { url: "" });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("--fail-if-empty");
    expect(stdout).toContain("--url <url>");
  }
});
