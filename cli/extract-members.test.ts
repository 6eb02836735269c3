import { Buffer } from "node:buffer";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

import { Encrypter } from "age-encryption";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { TEST_IDENTITY, TEST_RECIPIENT } from "../test/support/age-keys.ts";
import { sha256Of } from "../test/support/fake-answers.ts";
import { runCli } from "../test/support/run-cli.ts";

/** No Worker is called. */
const NOBODY = { url: "http://127.0.0.1:1" };
const FLEET_ID = "0b1f2c3d-0000-4000-8000-000000000001";
const MEMBERS = ["acme", "b/c d", "zebra"];

let folder: string;
const file = (name: string) => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-copy-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function dumpOf(member: string): Buffer {
  return gzipSync(`CREATE TABLE t(x);\nINSERT INTO t VALUES ('${member}');\n`);
}

async function write(name: string, bytes: Buffer, isSealed: boolean): Promise<void> {
  if (!isSealed) return writeFileSync(file(name), bytes);
  const encrypter = new Encrypter();
  encrypter.addRecipient(TEST_RECIPIENT);
  writeFileSync(file(`${name}.age`), await encrypter.encrypt(new Uint8Array(bytes)));
}

/** Writes a copy of a fleet, as a destination has it: two packs, and an export. */
async function writeCopy({ isSealed = false } = {}): Promise<void> {
  const packs = [];
  for (const [at, members] of [MEMBERS.slice(0, 2), MEMBERS.slice(2)].entries()) {
    const name = `pack-0000${at + 1}-0a1b2c3d`;
    const files = members.map(dumpOf);
    const pack = Buffer.concat(files);
    let offset = 0;
    const index = {
      version: 1,
      fleetId: FLEET_ID,
      members: members.map((member, number) => {
        const bytes = files[number] ?? Buffer.of();
        offset += bytes.length;
        const place = { offset: offset - bytes.length, bytes: bytes.length };
        return { member, ...place, sha256: sha256Of(bytes), rows: 1 };
      }),
    };
    const indexBytes = Buffer.from(JSON.stringify(index));
    await write(`${name}.sql.gz`, pack, isSealed);
    await write(`${name}.index.json`, indexBytes, isSealed);
    const describe = (suffix: string, bytes: Buffer) => ({
      key: `exports/${FLEET_ID}/x/${name}${suffix}`,
      bytes: bytes.length,
      sha256: sha256Of(bytes),
    });
    packs.push({
      number: at + 1,
      ...describe(".sql.gz", pack),
      members: members.length,
      first: members[0],
      last: members.at(-1),
      index: describe(".index.json", indexBytes),
    });
  }
  const exports = [
    {
      member: "large",
      jobId: "0b1f2c3d-0000-4000-8000-000000000002",
      copies: [{ destination: "offsite", folder: "tenants/large/2026/", sealed: isSealed }],
    },
  ];
  const failures = [{ member: "lost", code: "source-timeout", message: "it took too long" }];
  const manifest = { version: 1, fleetId: FLEET_ID, namedBy: "name", packs, exports, failures };
  writeFileSync(file("manifest.json"), JSON.stringify(manifest));
  writeFileSync(file("key.txt"), `${TEST_IDENTITY}\n`);
}

const extract = (...args: string[]) => runCli(["fleet", "extract", folder, ...args], NOBODY);

describe.each([
  ["plain", false],
  ["sealed", true],
])("fleet extract from a %s copy", (_, isSealed) => {
  const keys = () => (isSealed ? ["--identity", file("key.txt")] : []);

  beforeEach(() => writeCopy({ isSealed }));

  test.each(MEMBERS)("writes the dump of %j, which a restore accepts", async (member) => {
    const output = file("out/one.sql.gz");
    const result = await extract("--object-name", member, "-o", output, ...keys());
    expect(result.exitCode, result.stderr).toBe(0);
    expect(readFileSync(output).equals(dumpOf(member))).toBe(true);
    const restored = await runCli(["restore", output, "--to", file("one.sqlite")], NOBODY);
    expect(restored.exitCode, restored.stderr).toBe(0);
  });

  test("writes all dumps into a folder, and lists where the others are", async () => {
    const result = await extract("-o", file("all"), ...keys());
    expect(result.exitCode, result.stderr).toBe(0);
    const names = ["acme.sql.gz", "b%2Fc%20d.sql.gz", "zebra.sql.gz"];
    for (const [at, name] of names.entries()) {
      const text = gunzipSync(readFileSync(file(`all/${name}`))).toString();
      expect(text).toContain(`('${MEMBERS[at]}')`);
    }
    expect(result.stderr).toContain('"large" is in the copy of its own export');
    expect(result.stderr).toContain("tenants/large/2026/ at offsite");
    expect(result.stdout + result.stderr).toContain("3 objects, 3 rows");
  });
});

describe("fleet extract", () => {
  beforeEach(() => writeCopy());

  test("needs only the pack of its object", async () => {
    rmSync(file("pack-00001-0a1b2c3d.sql.gz"));
    const output = file("one.sql.gz");
    expect((await extract("--object-name", "zebra", "-o", output)).exitCode).toBe(0);
    const missing = await extract("--object-name", "acme", "-o", file("other.sql.gz"));
    expect(missing.exitCode).toBe(1);
    expect(missing.stderr).toContain("pack-00001-0a1b2c3d.sql.gz does not exist");
  });

  test.each([
    [
      "large",
      "it is in the copy of its own export",
      "Get the folder tenants/large/2026/ at offsite",
    ],
    ["lost", "source-timeout: it took too long", ""],
    ["nobody", "it is not in the fleet, or had no tables", ""],
  ])("explains why it has no dump of %j", async (member, why, hint) => {
    const result = await extract("--object-name", member, "-o", file("x"));
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(why);
    expect(result.stderr).toContain(hint);
  });

  test.each(["pack-00001-0a1b2c3d.sql.gz", "pack-00001-0a1b2c3d.index.json"])(
    "refuses a changed %s, and writes nothing",
    async (name) => {
      const bytes = readFileSync(file(name));
      bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
      writeFileSync(file(name), bytes);
      const result = await extract("--object-name", "b/c d", "-o", file("out.sql.gz"));
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toContain("differs from the");
      expect(existsSync(file("out.sql.gz"))).toBe(false);
    },
  );

  test("refuses a folder without a manifest, and a manifest of something else", async () => {
    writeFileSync(file("manifest.json"), '{"version": 2}');
    const other = await extract("-o", file("all"));
    expect(other.stderr).toContain("is not that of a copy of a fleet");
    rmSync(file("manifest.json"));
    expect((await extract("-o", file("all"))).exitCode).toBe(1);
  });

  test("needs an output, and at most one object", async () => {
    expect((await extract()).exitCode).toBe(2);
    const both = await extract("--object-name", "a", "--object-id", "b", "-o", file("x"));
    expect(both.exitCode).toBe(2);
  });

  test("asks for the private key of a sealed copy", async () => {
    rmSync(file("pack-00001-0a1b2c3d.sql.gz"));
    await write("pack-00001-0a1b2c3d.sql.gz", Buffer.concat([dumpOf("acme")]), true);
    const result = await extract("--object-name", "acme", "-o", file("x"));
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("--identity FILE");
  });
});
