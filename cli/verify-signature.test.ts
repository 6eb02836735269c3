import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { readSigningKey, signManifest } from "../src/sealing/signature.ts";
import { sha256Of } from "../test/support/fake-answers.ts";
import { runCli } from "../test/support/run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "signed-cli-"));
const file = (name: string) => join(folder, name);
/** No Worker is called. */
const NOBODY = { url: "http://127.0.0.1:1" };
const DUMP = "CREATE TABLE t(x);\n";
const MANIFEST = `${JSON.stringify({
  jobId: "00000000-0000-0000-0000-000000000000",
  source: "main",
  format: "sql",
  compression: "none",
  consistency: "one-turn",
  signed: true,
  snapshotAt: "2026-11-01T00:00:00.000Z",
  tables: [{ name: "t", rows: 0, bytes: DUMP.length }],
  artifacts: [{ name: "dump.sql", bytes: DUMP.length, sha256: sha256Of(Buffer.from(DUMP)) }],
})}\n`;

beforeAll(async () => {
  const made = await runCli(["keygen", "-o", file("key.pub")], NOBODY);
  expect(made.exitCode).toBe(0);
  await runCli(["keygen", "-o", file("other.pub")], NOBODY);
  const key = await readSigningKey(made.stdout.trim());
  const bytes = new TextEncoder().encode(MANIFEST);
  writeFileSync(file("dump.sql"), DUMP);
  writeFileSync(file("manifest.json"), bytes);
  writeFileSync(file("manifest.json.sig"), await signManifest(key, bytes));
});
afterAll(() => rmSync(folder, { recursive: true }));

const verify = (key: string) =>
  runCli(["verify", file("dump.sql"), "--public-key", file(key)], NOBODY);

describe("verify --public-key", () => {
  test("accepts a manifest that the key's owner signed, as openssl does", async () => {
    const { exitCode, stderr } = await verify("key.pub");
    expect(exitCode).toBe(0);
    expect(stderr).toContain("manifest.json: signed by the key in ");
    const output = execFileSync("openssl", [
      "pkeyutl",
      "-verify",
      "-rawin",
      "-pubin",
      "-inkey",
      file("key.pub"),
      "-sigfile",
      file("manifest.json.sig"),
      "-in",
      file("manifest.json"),
    ]);
    expect(output.toString()).toContain("Signature Verified Successfully");
  });

  test("refuses a file that is no public key", async () => {
    writeFileSync(file("words.pub"), "words");
    const { exitCode, stderr } = await verify("words.pub");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("contains no Ed25519 public key");
  });

  test("refuses another key, a changed manifest, and one without a signature", async () => {
    const other = await verify("other.pub");
    expect(other.exitCode).toBe(1);
    expect(other.stderr).toContain("is not what the key in");
    writeFileSync(file("manifest.json"), MANIFEST.replace('"rows":0', '"rows":1'));
    expect((await verify("key.pub")).stderr).toContain("is not what the key in");
    writeFileSync(file("manifest.json"), MANIFEST);
    rmSync(file("manifest.json.sig"));
    expect((await verify("key.pub")).stderr).toContain("there is no signature");
  });
});

test("keygen replaces no file", async () => {
  const before = readFileSync(file("key.pub"));
  const { exitCode, stderr } = await runCli(["keygen", "-o", file("key.pub")], NOBODY);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("already exists");
  expect(readFileSync(file("key.pub"))).toEqual(before);
});
