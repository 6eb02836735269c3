import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { generateX25519Identity, identityToRecipient } from "age-encryption";

import { formatNumberOf, oneLine } from "../cli/format.ts";
import type { JobView } from "../src/api/job-view.ts";
import { Api } from "./api.ts";
import { exportProved, load } from "./export-file.ts";
import { withLocalS3 } from "./local-s3.ts";
import { printLine } from "./progress.ts";
import type { LeftOut } from "./schema.ts";
import { shownPath } from "./shown-path.ts";
import type { SourceFile } from "./source-file.ts";
import { withWorker } from "./with-worker.ts";

const CLI = join(import.meta.dirname, "..", "cli", "main.ts");

/** The keys that remain after the Worker is gone, in the folder of the copy. */
interface Keys {
  /** The file of the private key that opens a copy. The Worker never has it. */
  identityFile: string;
  /** The file of the key that proves who signed a manifest. */
  publicKeyFile: string;
  /** What the Worker gets. */
  vars: Record<string, string>;
}

/**
 * Exports a source file, copies the export sealed to S3, and deletes the Worker and its state.
 * Restores from only the copy, with the keys in `copyPath`. The caller closes the result.
 */
export async function restoreFromCopy(
  source: SourceFile,
  options: { copyPath: string; databasePath: string; signal: AbortSignal },
): Promise<{ restored: DatabaseSync; leftOut: LeftOut[]; from: string; proof: string }> {
  const { copyPath, databasePath, signal } = options;
  rmSync(copyPath, { recursive: true, force: true });
  mkdirSync(copyPath, { recursive: true });
  const keys = await makeKeys(copyPath, signal);
  const { leftOut, proof, names } = await withLocalS3(async (s3) => {
    printLine("s3", `${s3.endpoint}, in memory`);
    const exported = await withWorker(
      signal,
      async (worker) => {
        const api = new Api({ url: worker.url, token: worker.token, signal });
        const leftOut = await load(source, api);
        const copied = { copyTo: ["offsite"], copyRequired: true };
        const request = { compression: "gzip", ...copied } as const;
        return { leftOut, ...(await exportProved(source, api, request)) };
      },
      { vars: { ...s3.vars, ...keys.vars } },
    );
    const folder = findFolder(exported.view);
    printLine("worker", "stopped, and its state is deleted");
    return { ...exported, names: await s3.fetchFolder(folder, copyPath) };
  });
  printLine("copy", `${formatNumberOf(names.length, "file")} from S3: ${names.join(", ")}`);
  const sealed = names.find((name) => name.endsWith(".age"));
  if (sealed === undefined) throw new Error("the copy contains no sealed file");
  const cli = { folder: copyPath, signal };
  const identity = ["--identity", keys.identityFile];
  const verify = ["verify", sealed, ...identity, "--public-key", keys.publicKeyFile];
  for (const line of await runCli(verify, cli)) printLine("verify", line);
  for (const suffix of ["", "-journal", "-wal", "-shm"]) {
    rmSync(databasePath + suffix, { force: true });
  }
  const to = relative(copyPath, databasePath);
  const restore = ["restore", sealed, "--to", to, ...identity];
  for (const line of await runCli(restore, cli)) printLine("restore", line);
  const restored = new DatabaseSync(databasePath, {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
  });
  const from = `${shownPath(join(copyPath, sealed))}, sealed by age and signed`;
  return { restored, leftOut, from, proof };
}

/** Makes new keys: of age for what is sealed, and of Ed25519 for the manifest. */
async function makeKeys(folder: string, signal: AbortSignal): Promise<Keys> {
  const identityFile = "key.txt";
  const publicKeyFile = "durable-export.pub";
  const identity = await generateX25519Identity();
  writeFileSync(join(folder, identityFile), `${identity}\n`, { mode: 0o600 });
  const [privateKey = ""] = await runCli(["--quiet", "keygen", "-o", publicKeyFile], {
    folder,
    signal,
  });
  const recipient = await identityToRecipient(identity);
  return {
    identityFile,
    publicKeyFile,
    vars: { EXPORT_AGE_RECIPIENTS: recipient, EXPORT_SIGNING_KEY: privateKey },
  };
}

function findFolder({ copies }: JobView): string {
  const [copy] = copies;
  if (copy?.state === "copied" && copy.sealed) return copy.folder;
  throw new Error(`the export has no sealed copy: ${JSON.stringify(copies)}`);
}

/**
 * Runs the command line in a process of its own, in a folder so that it prints short paths. Returns
 * the lines that it prints.
 */
async function runCli(
  args: readonly string[],
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<string[]> {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    signal,
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  const lines = text.split("\n").map(oneLine);
  if (code !== 0) throw new Error(`durable-export ${args[0]}: ${text.trim()}`);
  return lines.filter((line) => line !== "");
}
