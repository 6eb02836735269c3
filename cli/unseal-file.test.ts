import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Encrypter } from "age-encryption";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { TEST_IDENTITY, TEST_RECIPIENT } from "../test/support/age-keys.ts";
import { sha256Of } from "../test/support/fake-answers.ts";
import { runCli } from "../test/support/run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "sealed-cli-"));
const file = (name: string) => join(folder, name);
/** No Worker is called. */
const NOBODY = { url: "http://127.0.0.1:1" };
const DUMP = "CREATE TABLE t(x);\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\n";

beforeAll(async () => {
  const encrypter = new Encrypter();
  encrypter.addRecipient(TEST_RECIPIENT);
  writeFileSync(file("dump.sql.age"), await encrypter.encrypt(DUMP));
  writeFileSync(file("key.txt"), `# a test key\n${TEST_IDENTITY}\n`);
  const manifest = {
    jobId: "00000000-0000-0000-0000-000000000000",
    source: "main",
    format: "sql",
    compression: "none",
    consistency: "one-turn",
    snapshotAt: "2026-11-01T00:00:00.000Z",
    tables: [{ name: "t", rows: 2, bytes: DUMP.length }],
    artifacts: [{ name: "dump.sql", bytes: DUMP.length, sha256: sha256Of(Buffer.from(DUMP)) }],
  };
  writeFileSync(file("manifest.json"), JSON.stringify(manifest));
});
afterAll(() => rmSync(folder, { recursive: true }));

const identity = () => ["--identity", file("key.txt")];

describe("a sealed copy", () => {
  test("is verified with its manifest, and leaves no plain file", async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith("durable-export-"));
    for (const path of [file("dump.sql.age"), folder]) {
      const { exitCode, stderr } = await runCli(["verify", path, ...identity()], NOBODY);
      expect(stderr).toContain("size and SHA-256 match the manifest");
      expect(exitCode).toBe(0);
    }
    const after = readdirSync(tmpdir()).filter((name) => name.startsWith("durable-export-"));
    expect(after).toEqual(before);
  });

  test("is loaded by verify --restore, and restored into a file", async () => {
    const verified = await runCli(
      ["verify", file("dump.sql.age"), "--restore", ...identity()],
      NOBODY,
    );
    expect(verified.stderr).toContain("restored: row counts match the manifest (1 table)");
    const to = file("restored.sqlite");
    const { stderr } = await runCli(
      ["restore", file("dump.sql.age"), "--to", to, ...identity()],
      NOBODY,
    );
    expect(stderr).toContain("1 table, 2 rows");
    expect(spawnSync("sqlite3", [to, "SELECT sum(x) FROM t"]).stdout.toString()).toBe("3\n");
  });

  test("is not opened without its identity, or with another file", async () => {
    const without = await runCli(["verify", file("dump.sql.age")], NOBODY);
    expect(without.exitCode).toBe(2);
    expect(without.stderr).toContain("dump.sql.age is sealed by age");
    expect(without.stderr).toContain("--identity FILE");
    writeFileSync(file("no-key.txt"), "words\n");
    const wrong = ["verify", file("dump.sql.age"), "--identity", file("no-key.txt")];
    const { exitCode, stderr } = await runCli(wrong, NOBODY);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("not a private key of age");
  });

  test.each<[string, (sealed: Buffer) => Uint8Array, string]>([
    ["cut", (sealed) => sealed.subarray(0, -3), "cut off"],
    ["changed", (sealed) => Buffer.concat([sealed.subarray(0, -1), Buffer.of(7)]), "was changed"],
  ])("that was %s is refused with the reason by verify and restore", async (_, damage, reason) => {
    const path = file("damaged.sql.age");
    writeFileSync(path, damage(readFileSync(file("dump.sql.age"))));
    const to = file("never.sqlite");
    const manifest = ["--manifest", file("manifest.json")];
    for (const words of [
      ["verify", path, ...manifest, ...identity()],
      ["restore", path, "--to", to, ...identity()],
    ]) {
      const { exitCode, stderr } = await runCli(words, NOBODY);
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain("damaged.sql.age cannot be opened");
      expect(stderr).toContain(reason);
    }
    expect(readdirSync(folder)).not.toContain("never.sqlite");
  });

  test("that is sealed for another key is refused with the reason", async () => {
    const encrypter = new Encrypter();
    const stranger = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    encrypter.addRecipient(stranger);
    writeFileSync(file("other.sql.age"), await encrypter.encrypt(DUMP));
    const manifest = ["--manifest", file("manifest.json")];
    const words = ["verify", file("other.sql.age"), ...manifest, ...identity()];
    expect((await runCli(words, NOBODY)).stderr).toContain("sealed for other keys");
  });
});
