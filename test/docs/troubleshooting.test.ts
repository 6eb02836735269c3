import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { CLI_ERROR_CODES } from "../../cli/cli-error.ts";
import { ERRORS } from "../../src/api/error-codes.ts";
import { CALLBACK_STATUSES } from "../../src/api/callback-state.ts";
import { readPage } from "../support/doc-blocks.ts";

const REPOSITORY = join(import.meta.dirname, "../..");

const page = readPage("docs/troubleshooting.md");
const symptoms = page.split("\n### ").slice(1);

/** Names and words of the page that look like error codes. */
const OTHER_WORDS = new Set(["dump-sql"]);

/** Everything that the Worker, the command line and the Action can print. */
const sources = globSync("{src,cli,action}/**/*.ts", {
  cwd: REPOSITORY,
  exclude: ["**/*.test.ts"],
})
  .map((path) => readFileSync(join(REPOSITORY, path), "utf8"))
  .join("\n");

test("docs/troubleshooting.md says why and what to do for each symptom", () => {
  expect(symptoms.length).toBeGreaterThan(20);
  for (const symptom of symptoms) {
    const [title = ""] = symptom.split("\n");
    expect(symptom.match(/^\*\*Why:\*\* /gm) ?? [], title).toHaveLength(1);
    expect(symptom.match(/^\*\*Do:\*\* /gm) ?? [], title).toHaveLength(1);
    expect(symptom.indexOf("**Why:**"), title).toBeLessThan(symptom.indexOf("**Do:**"));
  }
});

test("docs/troubleshooting.md names only codes that exist", () => {
  const known = new Set<string>([...Object.keys(ERRORS), ...CLI_ERROR_CODES]);
  const named = [...page.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, code = ""]) => code);
  expect(new Set(named).size).toBeGreaterThan(15);
  const unknown = named.filter((code) => !known.has(code) && !OTHER_WORDS.has(code));
  expect(unknown).toEqual([]);
});

test("docs/troubleshooting.md states the status of each code in a title", () => {
  for (const symptom of symptoms) {
    const [title = ""] = symptom.split("\n");
    const [, code, status] = /`([a-z-]+)` \((\d+)/.exec(title) ?? [];
    if (code === undefined) continue;
    expect(String(ERRORS[code as keyof typeof ERRORS].status), title).toBe(status);
  }
});

test("docs/troubleshooting.md lists doctor's checks in their order, and the states of a callback", () => {
  const rows = (heading: string) =>
    [...(page.split(heading)[1] ?? "").split("\n### ")[0]!.matchAll(/^\| `(\w+)`/gm)].map(
      ([, name]) => name,
    );
  const doctor = readFileSync(join(REPOSITORY, "cli/commands/doctor.ts"), "utf8");
  const checks = [...doctor.matchAll(/^ {4,6}\[?\s*"(\w+)",/gm)].map(([, name]) => name);
  expect(rows("### `doctor` prints `FAIL`")).toEqual(checks);
  expect(rows("### A callback does not arrive")).toEqual([...CALLBACK_STATUSES]);
});

test("docs/troubleshooting.md quotes log lines, fields and options as the code has them", () => {
  const quoted = [
    "scheduled export skipped",
    "run not started; the watchdog will try again",
    "--fail-if-empty",
    "bytesPerSecond",
    "nextAttemptAt",
    "lastError",
    "rescues",
    "tmp_export_snapshot",
  ];
  expect(quoted.filter((text) => !page.includes(text))).toEqual([]);
  expect(quoted.filter((text) => !sources.includes(text))).toEqual([]);
});
