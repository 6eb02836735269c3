import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { dumpOfMember, MEMBERS, writeFleetCopy } from "../test/support/fleet-copy-files.ts";
import { runCli } from "../test/support/run-cli.ts";

/** No Worker is called. */
const NOBODY = { url: "http://127.0.0.1:1" };

let folder: string;
const file = (name: string) => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-copy-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

const writeCopy = (options: { isSealed?: boolean } = {}) => writeFleetCopy(folder, options);

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
    expect(readFileSync(output).equals(dumpOfMember(member))).toBe(true);
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
    rmSync(file("pack-00001-8c1f03aa.sql.gz"));
    const output = file("one.sql.gz");
    expect((await extract("--object-name", "zebra", "-o", output)).exitCode).toBe(0);
    const missing = await extract("--object-name", "acme", "-o", file("other.sql.gz"));
    expect(missing.exitCode).toBe(1);
    expect(missing.stderr).toContain("pack-00001-8c1f03aa.sql.gz does not exist");
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

  test.each(["pack-00001-8c1f03aa.sql.gz", "pack-00001-8c1f03aa.index.json"])(
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
    rmSync(file("pack-00001-8c1f03aa.sql.gz"));
    await writeFleetCopy(folder, { isSealed: true });
    rmSync(file("pack-00001-8c1f03aa.index.json.age"));
    const result = await extract("--object-name", "acme", "-o", file("x"));
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("--identity FILE");
  });
});
