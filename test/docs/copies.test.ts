import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";

import { blocksOf } from "../support/doc-blocks.ts";
import { installAge } from "../support/install-age.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "copies-page-"));
beforeAll(installAge, 300_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the command line, keeps the private key that `keygen` prints, and asks Cloudflare for nothing. */
const NPX = `#!/bin/bash
case "$1" in
  durable-export) shift; "$NODE" "$CLI" "$@" | tee -a "$PLACE/printed" ;;
  wrangler) echo "$@" >> "$PLACE/asked" ;;
esac
exit "\${PIPESTATUS[0]}"
`;

/** What a destination contains: made by stock age and openssl with the keys of the page. */
const AWS = `#!/bin/bash
set -eu
cp dump.sql.gz copy/
age -r "$(age-keygen -y key.txt)" -o copy/dump.sql.gz.age dump.sql.gz
{ echo "-----BEGIN PRIVATE KEY-----"; head -1 printed; echo "-----END PRIVATE KEY-----"; } > private.pem
openssl pkeyutl -sign -rawin -inkey private.pem -in manifest.json -out manifest.json.sig
cp manifest.json manifest.json.sig copy/
cp manifest.json backup.sql.manifest.json
cp manifest.json.sig backup.sql.manifest.json.sig
cp dump.sql.gz backup.sql
`;

test("the commands of docs/copies.md make keys, and check, open and restore a copy", () => {
  const dump = gzipSync("CREATE TABLE t(x);\nINSERT INTO t VALUES (1);\n");
  const sha256 = createHash("sha256").update(dump).digest("hex");
  const manifest = {
    jobId: "00000000-0000-0000-0000-000000000000",
    source: "main",
    format: "sql",
    compression: "gzip",
    consistency: "one-turn",
    snapshotAt: "2026-11-01T00:00:00.000Z",
    tables: [{ name: "t", rows: 1, bytes: 44 }],
    artifacts: [{ name: "dump.sql.gz", bytes: dump.length, sha256 }],
  };
  writeFileSync(join(folder, "dump.sql.gz"), dump);
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  mkdirSync(join(folder, "copy"));
  mkdirSync(join(folder, "bin"));
  for (const [name, text] of Object.entries({ npx: NPX, aws: AWS })) {
    writeFileSync(join(folder, "bin", name), text, { mode: 0o755 });
  }
  const blocks = blocksOf("docs/copies.md").filter(({ language }) => language === "sh");
  // The keys come first: they make the copy that the other commands read.
  const isOfKeys = (text: string): boolean => /^(age-keygen|npx durable-export keygen)/.test(text);
  const texts = blocks.map(({ text }) => text);
  const script = [...texts.filter(isOfKeys), ...texts.filter((text) => !isOfKeys(text))];
  expect(script).toHaveLength(5);
  const output = execFileSync("bash", ["-euo", "pipefail", "-c", script.join("\n")], {
    cwd: folder,
    encoding: "utf8",
    env: {
      HOME: folder,
      NODE: process.execPath,
      CLI: join(REPOSITORY, "cli/main.ts"),
      PLACE: folder,
      PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}`,
    },
  });
  expect(output).toContain("Signature Verified Successfully");
  for (const name of ["restored.sqlite", "opened.sqlite"]) {
    const rows = execFileSync("sqlite3", [join(folder, name), "SELECT count(*) FROM t"]);
    expect(rows.toString()).toBe("1\n");
  }
});
