import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { readSigningKey, signManifest } from "../src/sealing/signature.ts";
import { writeFleetCopy } from "../test/support/fleet-copy-files.ts";
import { runCli } from "../test/support/run-cli.ts";
import { TEST_PUBLIC_KEY, TEST_SIGNING_KEY } from "../test/support/signing-keys.ts";

/** No Worker is called. */
const NOBODY = { url: "http://127.0.0.1:1" };
const PACK = "pack-00001-8c1f03aa.sql.gz";
const INDEX = "pack-00001-8c1f03aa.index.json";

let folder: string;
const file = (name: string) => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-verify-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Writes a copy of a fleet whose manifest is signed. */
async function writeSignedCopy(options: { isSealed?: boolean } = {}): Promise<void> {
  await writeFleetCopy(folder, options);
  const key = await readSigningKey(TEST_SIGNING_KEY);
  const manifest = new Uint8Array(readFileSync(file("manifest.json")));
  writeFileSync(file("manifest.json.sig"), await signManifest(key, manifest));
  writeFileSync(
    file("key.pub"),
    `-----BEGIN PUBLIC KEY-----\n${TEST_PUBLIC_KEY}\n-----END PUBLIC KEY-----\n`,
  );
}

function change(name: string, edit: (bytes: Buffer) => Uint8Array): void {
  writeFileSync(file(name), edit(readFileSync(file(name))));
}

/** Changes what the manifest says about the one failure. */
function changeManifest(): void {
  change("manifest.json", (bytes) => Buffer.from(bytes.toString().replace("lost", "kept")));
}

const verify = (...args: string[]) => runCli(["verify", folder, ...args], NOBODY);

describe("verify of a fleet's copy", () => {
  test.each([
    ["plain", false, []],
    ["sealed", true, ["--identity", "key.txt"]],
  ])("compares every file of a %s one with the manifest", async (_, isSealed, given) => {
    await writeSignedCopy({ isSealed });
    const keys = given.map((each) => (each.startsWith("--") ? each : file(each)));
    const result = await verify("--public-key", file("key.pub"), "--json", ...keys);
    expect(result.exitCode, result.stderr).toBe(0);
    const answer: unknown = JSON.parse(result.stdout);
    expect(answer).toMatchObject({ path: folder, verified: true, fleetId: expect.any(String) });
    expect((answer as { files: unknown[] }).files).toHaveLength(4);
  });

  test("reports who signed it, and where the large objects are", async () => {
    await writeSignedCopy();
    const { stderr, stdout } = await verify("--public-key", file("key.pub"));
    expect(stderr).toContain("manifest.json: signed by the key in ");
    expect(stderr).toContain('"large" is in the copy of its own export');
    expect(stdout + stderr).toContain("the SHA-256 of 4 files match the manifest");
  });

  test.each([PACK, INDEX])("refuses a changed %s", async (name) => {
    await writeSignedCopy();
    change(name, (bytes) => bytes.subarray(0, bytes.length - 1));
    const result = await verify();
    expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(name) });
    expect(result.stderr).toContain("differs from the manifest");
  });

  test("refuses a missing pack, and a sealed one without its key", async () => {
    await writeSignedCopy();
    rmSync(file(PACK));
    expect((await verify()).stderr).toContain(`${PACK} does not exist`);
    await writeSignedCopy({ isSealed: true });
    rmSync(file(INDEX));
    expect(await verify()).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("--identity FILE"),
    });
  });

  test("loads no dump", async () => {
    await writeSignedCopy();
    const result = await verify("--restore");
    expect(result).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("fleet extract") });
  });
});

describe("--public-key", () => {
  const extract = (...args: string[]) =>
    runCli(["fleet", "extract", folder, "-o", file("out/"), ...args], NOBODY);

  test.each([
    ["verify", verify],
    ["fleet extract", extract],
  ])("lets %s refuse a manifest that was changed, or is not signed", async (_, call) => {
    await writeSignedCopy();
    const key = ["--public-key", file("key.pub")];
    expect((await call(...key)).exitCode).toBe(0);
    rmSync(file("out"), { recursive: true, force: true });
    changeManifest();
    expect(await call(...key)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("is not what the key in"),
    });
    rmSync(file("manifest.json.sig"));
    expect(await call(...key)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("there is no signature"),
    });
    expect(existsSync(file("out"))).toBe(false);
    expect((await call()).exitCode).toBe(0);
  });
});
