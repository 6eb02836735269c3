import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
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

/** Nobody has the private key. */
const STRANGER = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
/** Bytes of a plain chunk in age's format, of its tag, and of the sealed chunk. */
const CHUNK = 65_536;
const TAG = 16;
const SEALED_CHUNK = CHUNK + TAG;

function sealFor(recipient: string, text: string): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter.encrypt(text);
}

beforeAll(async () => {
  writeFileSync(file("dump.sql.age"), await sealFor(TEST_RECIPIENT, DUMP));
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

  test.each<[string, () => Promise<Uint8Array>, string]>([
    ["cut", async () => (await sealFor(TEST_RECIPIENT, DUMP)).subarray(0, -3), "cut off"],
    [
      "changed",
      async () => {
        const sealed = await sealFor(TEST_RECIPIENT, DUMP);
        return sealed.map((byte, at) => (at === sealed.byteLength - 1 ? byte ^ 1 : byte));
      },
      "was changed",
    ],
    [
      "reordered",
      async () => {
        const sealed = await sealFor(TEST_RECIPIENT, `${DUMP}-- ${"x".repeat(3 * CHUNK)}`);
        const header = sealed.byteLength - (3 * SEALED_CHUNK + DUMP.length + 3 + TAG);
        const chunk = (n: number) =>
          sealed.subarray(header + n * SEALED_CHUNK).subarray(0, SEALED_CHUNK);
        return Buffer.concat([sealed.subarray(0, header), chunk(1), chunk(0), chunk(2), chunk(3)]);
      },
      "reordered",
    ],
    ["sealed for another key", () => sealFor(STRANGER, DUMP), "sealed for other keys"],
  ])("that was %s is refused with the reason by verify and restore", async (_, make, reason) => {
    const path = file("damaged.sql.age");
    writeFileSync(path, await make());
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
});
