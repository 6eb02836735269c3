import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

import packageJson from "../../package.json" with { type: "json" };
import { GITHUB_REPOSITORY } from "../../scripts/set-owner.mjs";
import { lintWorkflow, parseAsGitHub } from "../support/lint-workflow.ts";
import { ACTION_FILES } from "../support/run-action.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const SCRIPTS: Record<string, string> = packageJson.scripts;

interface Step {
  uses?: string;
  run?: string;
}

interface Workflow {
  permissions?: object;
  concurrency?: object;
  env?: Record<string, string>;
  jobs: Record<string, { permissions?: object; "timeout-minutes"?: number; steps: Step[] }>;
}

function read(path: string): string {
  return readFileSync(join(REPOSITORY, path), "utf8");
}

function list(pattern: string): string[] {
  return globSync(pattern, { cwd: REPOSITORY })
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
}

const OWN = list(".github/workflows/*.yml");
const EXAMPLES = list("examples/github-workflows/*.yml");

function stepsOf(path: string): Step[] {
  return Object.values((parse(read(path)) as Workflow).jobs).flatMap(({ steps }) => steps);
}

test("the workflows are the ones that docs/maintaining.md describes", () => {
  const maintaining = read("docs/maintaining.md");
  expect(OWN).toHaveLength(3);
  for (const path of OWN) expect(maintaining).toContain(`\`${path}\``);
});

describe("workflows and actions", () => {
  test.each([...OWN, ...EXAMPLES])("actionlint and GitHub's parser accept %s", async (path) => {
    expect(await lintWorkflow(path, read(path))).toEqual([]);
    expect(await parseAsGitHub(path.replace("examples/github-", ".github/"), read(path))).toEqual(
      [],
    );
  });

  test.each(ACTION_FILES)("GitHub's parser accepts %s", async (path) => {
    expect(await parseAsGitHub(path, read(path))).toEqual([]);
  });

  test.each([
    ["a misspelled key", "timeout-minutes: 90", "timeout: 90", "timeout"],
    ["a job that does not exist", "name: Check and test", "needs: nothing", "nothing"],
    ["a variable that does not exist", "${{ github.ref }}", "${{ git.ref }}", "git"],
    ["an unknown runner", "runs-on: ubuntu-latest", "runs-on: ubuntu-99.04", "ubuntu-99.04"],
    ["an unknown permission", "contents: read", "content: read", "content"],
    ["a text in a script", "run: npm ci", "run: echo ${{ github.head_ref }}", "untrusted"],
  ])("actionlint finds %s", async (_what, text, mistake, word) => {
    const workflow = read(".github/workflows/ci.yml").replace(text, mistake);
    const problems = await lintWorkflow("ci.yml", workflow);
    expect(problems).toEqual([expect.stringContaining(word)]);
  });

  test.each([
    ["an unknown key", "author:", "autor:"],
    ["an unknown runtime", "using: node24", "using: node23"],
    ["no program", "main:", "mian:"],
    ["an unknown color", "color: orange", "color: mauve"],
  ])("GitHub's parser finds %s in an action", async (what, text, mistake) => {
    const action = read("action.yml");
    expect(await parseAsGitHub(`${what}/right/action.yml`, action)).toEqual([]);
    const wrong = action.replace(text, mistake);
    expect(await parseAsGitHub(`${what}/wrong/action.yml`, wrong)).not.toEqual([]);
  });
});

describe.each(OWN)("%s", (path) => {
  const workflow = parse(read(path)) as Workflow;

  test("grants no permission that a job does not ask for", () => {
    const writes = JSON.stringify(workflow.permissions ?? { all: "write" }).includes("write");
    expect(writes).toBe(false);
    const granted = Object.entries(workflow.jobs).flatMap(([job, { permissions = {} }]) =>
      Object.entries(permissions).map(([name, level]) => `${job} ${name}: ${level}`),
    );
    const expected = path.endsWith("release.yml")
      ? ["verify contents: read", "npm id-token: write", "github contents: write"]
      : [];
    expect(granted).toEqual(expected);
  });

  test("bounds the time of every job, and says which runs exclude one another", () => {
    const unbounded = Object.entries(workflow.jobs).filter(
      ([, job]) => job["timeout-minutes"] === undefined,
    );
    expect(unbounded.map(([name]) => name)).toEqual([]);
    expect(workflow.concurrency).toBeDefined();
  });

  test("names every action by the commit of a version", () => {
    const lines = read(path).match(/^.*\buses:.*$/gm) ?? [];
    const pinned = /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
    expect(lines.filter((line) => !pinned.test(line))).toEqual([]);
  });

  test("runs scripts that bash can read and that package.json has", () => {
    const scripts = stepsOf(path).flatMap(({ run }) => run ?? []);
    for (const script of scripts) execFileSync("bash", ["-n"], { input: script });
    const named = [...scripts.join("\n").matchAll(/npm run ([\w:-]+)/g)].map(
      ([, name = ""]) => name,
    );
    expect(named.filter((name) => !Object.hasOwn(SCRIPTS, name))).toEqual([]);
  });
});

test("all workflows name one commit for each action", () => {
  const used = OWN.flatMap((path) => stepsOf(path)).flatMap(({ uses }) => uses ?? []);
  const commits = new Map<string, Set<string>>();
  for (const [action = "", commit = ""] of used.map((each) => each.split("@"))) {
    commits.set(action, (commits.get(action) ?? new Set()).add(commit));
  }
  expect(commits.size).toBeGreaterThan(0);
  for (const [action, found] of commits) expect([...found], action).toHaveLength(1);
});

test("CI on Linux runs every part of `npm run check`, and what .ci/run runs", () => {
  const { jobs } = parse(read(".github/workflows/ci.yml")) as Workflow;
  const commands = jobs["check"]?.steps.flatMap(({ run }) => run ?? []) ?? [];
  expect(commands).toEqual(expect.arrayContaining(SCRIPTS["check"]?.split(" && ") ?? []));
  const hidden = read(".ci/run").match(/^npm \w+/gm) ?? [];
  expect(hidden).toEqual(["npm ci", "npm test"]);
  expect(commands).toEqual(expect.arrayContaining(hidden));
});

test("the release moves the tag that examples and docs use", () => {
  const { env } = parse(read(".github/workflows/release.yml")) as Workflow;
  const used = [...EXAMPLES, "docs/ci-backups.md"].flatMap(
    (path) => read(path).match(new RegExp(`${GITHUB_REPOSITORY}@\\S+`, "g")) ?? [],
  );
  expect(used.length).toBeGreaterThan(EXAMPLES.length);
  expect(new Set(used)).toEqual(new Set([`${GITHUB_REPOSITORY}@${env?.["ACTION_TAG"]}`]));
});

test("the issue forms have the fields that GitHub requires", () => {
  interface Field {
    type: string;
    id: string;
    attributes: { label: string; options?: string[] };
  }
  const forms = list(".github/ISSUE_TEMPLATE/*.yml").filter((path) => !path.endsWith("config.yml"));
  expect(forms.length).toBeGreaterThan(0);
  for (const path of forms) {
    const form = parse(read(path)) as { name: string; description: string; body: Field[] };
    expect(form, path).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    const ids = form.body.map(({ id }) => id);
    expect(new Set(ids).size, path).toBe(ids.length);
    for (const { type, attributes } of form.body) {
      expect(["textarea", "input", "dropdown"], path).toContain(type);
      expect(attributes.label, path).toEqual(expect.any(String));
      expect(attributes.options === undefined, path).toBe(type !== "dropdown");
    }
  }
});
