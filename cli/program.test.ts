import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { runCli } from "../test/support/run-cli.ts";

const commands = readdirSync(join(import.meta.dirname, "commands"))
  .filter((name) => !name.endsWith(".test.ts"))
  .map((name) => name.replace(/\.ts$/, ""));

test.each([[], ...commands.map((name) => [name])])(
  "the help of `durable-export %s` fits 80 columns",
  async (...words) => {
    const { exitCode, stdout } = await runCli([...words, "--help"], { url: "" });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("Usage: durable-export");
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  },
);
