/**
 * Runs one command of the documentation unchanged, or a substitute if it cannot run in a test.
 * Scripts of `test/docs/commands.test.ts` find it under the programs' names.
 *
 * node test/support/doc-command.ts curl -s http://127.0.0.1:8787/health
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { GITHUB_REPOSITORY } from "../../scripts/set-owner.mjs";

const REPOSITORY = join(import.meta.dirname, "..", "..");

interface StandIn {
  command: RegExp;
  reason: string;
  /** Throws if the command would not achieve its purpose. */
  run: (words: string[]) => void;
}

const STAND_INS: readonly StandIn[] = [
  {
    command: new RegExp(`^git clone https://github.com/${GITHUB_REPOSITORY}( durable-export)?$`),
    reason: "the repository is here already",
    run: () => cpSync(process.env["DOCS_CHECKOUT"] ?? "", "durable-export", { recursive: true }),
  },
  {
    command: /^npm ci$/,
    reason: "what it installs is installed, or no test would run; what it builds is built once",
    run: () => {
      requireFile("package-lock.json");
      if (existsSync("dist/library")) return;
      runProgram("npm", ["run", "prepare"]);
      cpSync("dist", join(process.env["DOCS_CHECKOUT"] ?? "", "dist"), { recursive: true });
    },
  },
  {
    command: /^npm (run (demo|dev|bench|crash|fuzz|fuzz:snapshot|check)|test)\b/,
    reason: "it has tests of its own, runs all of them, or takes minutes",
    run: ([verb, script]) => requireScript(verb === "run" ? script : verb),
  },
  {
    command: /^npm run bump$/,
    reason: "it has a test of its own, and would change the version of later pages",
    run: ([, script]) => requireScript(script),
  },
  {
    command: /^git (switch|pull|commit|tag|push)\b/,
    reason: "it changes a repository on GitHub",
    run: () => undefined,
  },
  {
    command: /^npx wrangler deploy( --dry-run)?$/,
    reason: "it asks Cloudflare; everything before that is done",
    run: () => {
      // Pages that deploy the same Worker need it bundled only once.
      const config = createHash("sha256").update(readFileSync("wrangler.jsonc")).digest("hex");
      const outdir = join(process.env["DOCS_CHECKOUT"] ?? "", "deployed", config);
      if (!existsSync(outdir)) runProgram("wrangler", ["deploy", "--dry-run", "--outdir", outdir]);
    },
  },
  {
    command: /^npx wrangler (login|delete|dev|d1 list)\b/,
    reason: "it asks Cloudflare, or never ends",
    run: ([, ...words]) => askWrangler(words),
  },
  {
    command: /^npx wrangler secret put \w+$/,
    reason: "it asks Cloudflare",
    run: ([, ...words]) => {
      askWrangler(words);
      requireText("docs/deploy.md", `\`${words.at(-1)}\``);
    },
  },
  {
    command: /^npx wrangler r2 bucket create [\w-]+$/,
    reason: "it asks Cloudflare",
    run: ([, ...words]) => {
      askWrangler(words);
      const config = readFileSync("wrangler.jsonc", "utf8");
      if (config.includes(`"bucket_name": "${words.at(-1)}"`)) return;
      throw new Error(`wrangler.jsonc binds no bucket ${words.at(-1)}`);
    },
  },
];

function requireFile(file: string): void {
  if (!existsSync(file)) throw new Error(`there is no ${file}`);
}

function requireScript(name = ""): void {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: object };
  if (!Object.hasOwn(scripts, name)) throw new Error(`package.json has no script ${name}`);
}

/** Leaves a call to the test, which has loaded wrangler's list of commands. */
function askWrangler(words: string[]): void {
  appendFileSync(process.env["DOCS_ASKED"] ?? "", `${JSON.stringify(words)}\n`);
}

function requireText(file: string, text: string): void {
  if (readFileSync(join(REPOSITORY, file), "utf8").includes(text)) return;
  throw new Error(`${file} does not name ${text}`);
}

function runProgram(program: string, words: string[]): void {
  // Everything after the folder with this command's own names.
  const path = (process.env["PATH"] ?? "").split(":").slice(1).join(":");
  const { status, error } = spawnSync(program, words, {
    stdio: "inherit",
    env: { ...process.env, PATH: path },
  });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
}

const [program = "", ...words] = process.argv.slice(2);
const standIn = STAND_INS.find(({ command }) => command.test([program, ...words].join(" ")));
if (standIn !== undefined) {
  standIn.run(words);
} else if (program === "npx" && words[0] === "durable-export") {
  runProgram(process.execPath, [join(REPOSITORY, "cli/main.ts"), ...words.slice(1)]);
} else if (program === "npx") {
  runProgram(words[0] ?? "", words.slice(1));
} else if (program === "curl") {
  // A guide's calls succeed: an error response is a failure, even if the guide does not check for
  // it.
  const asks = words.some((word) => /^-\w*f/.test(word));
  runProgram(program, asks ? words : ["--fail-with-body", ...words]);
} else {
  runProgram(program, words);
}
