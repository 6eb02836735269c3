import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { Encrypter } from "age-encryption";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { TEST_IDENTITY, TEST_RECIPIENT } from "../../test/support/age-keys.ts";
import {
  FAKE_TOKEN,
  FakeExportServer,
  type FakeOptions,
  PROVED,
  sendJson,
  sendProblem,
  sha256Of,
} from "../../test/support/fake-export-server.ts";
import { VERSION } from "../../src/api/version.ts";
import { runCli } from "../../test/support/run-cli.ts";

const DUMP = Buffer.from(
  "PRAGMA defer_foreign_keys=ON;\nCREATE TABLE t(a);\nINSERT INTO t VALUES(1),(2),('x;''y');\n",
);

let server: FakeExportServer;
let folder: string;
let output: string;

beforeEach(async () => {
  server = await FakeExportServer.start({ artifacts: { "dump.sql": DUMP } });
  folder = mkdtempSync(join(tmpdir(), "cli-test-"));
  output = join(folder, "backup.sql");
});

afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
  // An export into the folder that did not end keeps its record beside it.
  rmSync(`${folder}.part.json`, { force: true });
});

async function restart(options: Partial<FakeOptions>): Promise<void> {
  await server.stop();
  server = await FakeExportServer.start({ artifacts: { "dump.sql": DUMP }, ...options });
}

/** Aborts when standard error says that the export has started. */
function interruptAtStart(): { interrupt: AbortSignal; onStderr: (text: string) => void } {
  const controller = new AbortController();
  const onStderr = (text: string) => {
    if (text.includes("started")) controller.abort();
  };
  return { interrupt: controller.signal, onStderr };
}

describe("dump", () => {
  test("sends the options as the contract names them, and leaves the rest to the Worker", async () => {
    const flags =
      "--source shop --object-name acme --format sql --compression zstd --consistency live --content data --verify checksum --copy-to offsite --copy-to archive --copy-required --table a --table b* --exclude c --callback-url https://e.example/x --retention-hours 5";
    await runCli(["dump", "-o", output, ...flags.split(" ")], server);
    expect(server.jobs[0]?.request).toEqual({
      source: "shop",
      name: "acme",
      format: "sql",
      compression: "zstd",
      consistency: "live",
      content: "data",
      verify: "checksum",
      tables: { include: ["a", "b*"], exclude: ["c"] },
      copyTo: ["offsite", "archive"],
      copyRequired: true,
      callbackUrl: "https://e.example/x",
      retentionHours: 5,
    });
    await runCli(["dump", "-o", output], server);
    expect(server.jobs[1]?.request).toEqual({});
    const series = ["--series", "nightly", "--keep", "last=3,daily=7 yearly=1"];
    await runCli(["start", ...series], server);
    expect(server.jobs[2]?.request).toEqual({
      series: "nightly",
      retention: { keepLast: 3, keepDaily: 7, keepYearly: 1 },
    });
  });

  test("shows copies, and when one is tried again", async () => {
    const copy = {
      sealed: false,
      folder: "main/2026/11/01/x/",
      bytes: 60,
      copiedAt: null,
      failures: 0,
    };
    await restart({
      copies: [
        { ...copy, destination: "archive", state: "copied", error: null, nextAttemptAt: null },
        {
          ...copy,
          destination: "offsite",
          state: "retrying",
          error: { code: "storage-unavailable", message: "m", hint: "h" },
          nextAttemptAt: "2026-11-01T00:05:00.000Z",
        },
      ],
    });
    await runCli(["dump", "-o", output], server);
    const { stdout } = await runCli(["status", server.jobs[0]?.jobId ?? ""], server);
    expect(stdout).toContain("copy        archive copied (60 B, main/2026/11/01/x/)\n");
    expect(stdout).toContain(
      "offsite retrying (60 B, main/2026/11/01/x/), next attempt 2026-11-01T00:05:00.000Z",
    );
  });

  test("prints one JSON document for scripts", async () => {
    const { stdout, stderr } = await runCli(["dump", "--json", "-o", output], server);
    expect(JSON.parse(stdout)).toMatchObject({
      jobId: server.jobs[0]?.jobId,
      path: output,
      manifestPath: `${output}.manifest.json`,
      consistency: "undo-log",
      requestedConsistency: "snapshot",
      snapshotMethod: "undo-log",
      verified: true,
      bytes: DUMP.length,
      rows: 3,
      tables: [{ name: "t", rows: 3 }],
    });
    expect(stderr).toBe("");
  });

  test("says what was asked for and how it was kept", async () => {
    const { stderr } = await runCli(["dump", "-o", output], server);
    expect(stderr).toContain("consistency: snapshot (one instant, kept by an undo log)\n");
  });

  test("says how to export one instant if it was live without being asked to", async () => {
    await restart({ isLive: true });
    const { stderr } = await runCli(["dump", "-o", output], server);
    expect(stderr).toContain("consistency: live (each page in its current state)\n");
    expect(stderr).toContain("use --consistency snapshot for all rows at one instant\n");
    const chosen = await runCli(["dump", "-o", output, "--consistency", "live"], server);
    expect(chosen.stderr).toContain("consistency: live");
    expect(chosen.stderr).not.toContain("--consistency snapshot");
  });

  test("reports that the dump has restored itself", async () => {
    await restart({ proof: PROVED });
    for (const wrong of ["--format=csv", "--content=data"]) {
      const refused = await runCli(["dump", "--verify", "restore", wrong], server);
      expect(refused).toMatchObject({ exitCode: 2 });
      expect(refused.stderr).toContain("cannot be restored");
    }
    expect(server.jobs).toEqual([]);
    const words = ["dump", "--verify", "restore", "-o", output];
    const { stderr } = await runCli(words, server);
    expect(server.jobs[0]?.request).toEqual({ verify: "restore" });
    expect(stderr).toContain(
      `restored itself: equal, 223,398 rows in 8 pieces, 12.3 s\n${output}: `,
    );
    const { stdout } = await runCli([...words, "--json"], server);
    expect(JSON.parse(stdout)).toMatchObject({ proof: { state: "proved", seconds: 12.34 } });
    const verified = await runCli(["verify", output], server);
    expect(verified.stderr).toContain(
      "restored itself: equal, 223,398 rows in 8 pieces, 12.3 s (proved on 2026-11-01T00:00:01Z, according to the manifest)",
    );
  });

  test.each([
    [{}, "verifying  60 B"],
    [{ state: "running", rowsWritten: 1200 }, "proving  1,200 rows written"],
    [{ state: "running", rowsWritten: 1200, rows: 1000 }, "proving  1,000 rows equal"],
  ] as const)("names the phase of a job whose proof is %j", async (proof, words) => {
    await restart({ looks: 1, tablesDone: 1, proof });
    const { stderr } = await runCli(["dump", "-o", output], { url: server.url, isTerminal: true });
    expect(stripVTControlCharacters(stderr)).toContain(words);
  });

  test("tells a failed proof with what to do about the dump", async () => {
    const error = { code: "restore-differs", message: 'table "t" has 2 rows', hint: "hm" };
    await restart({ ending: { status: "failed", error }, proof: { state: "failed" } });
    const { exitCode, stderr } = await runCli(["-q", "dump", "-o", output], server);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/restore-differs: table "t" has 2 rows\. Do not rely on this dump\./);
  });

  test("prints only the file's path with --quiet", async () => {
    const result = await runCli(["-q", "dump", "-o", output], server);
    expect(result).toMatchObject({ exitCode: 0, stdout: `${output}\n`, stderr: "" });
  });

  test("tells a failed job's code, words and hint in one line", async () => {
    const error = { code: "undo-too-large", message: "too many\nchanges", hint: "Use `live`." };
    await restart({ ending: { status: "failed", error } });
    const result = await runCli(["-q", "dump", "-o", output], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(
      /^durable-export: export \S+ failed: undo-too-large: too many changes\. Use `live`\.$/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test("tells a failure as JSON too", async () => {
    const error = { code: "undo-too-large", message: "too many", hint: "Use `live`." };
    await restart({ ending: { status: "failed", error } });
    const { stdout } = await runCli(["--json", "dump", "-o", output], server);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: "undo-too-large", hint: "Use `live`.", exitCode: 1 },
    });
  });

  test.each(["cancelled", "expired"])("fails where the job is %s", async (status) => {
    await restart({ ending: { status } });
    const result = await runCli(["dump", "-o", output], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(`is ${status}`);
  });

  test("has the Worker cancel the export on Ctrl-C", async () => {
    await restart({ looks: 1e6 });
    const result = await runCli(["dump", "-o", output], { url: server.url, ...interruptAtStart() });
    expect(result.exitCode).toBe(130);
    expect(result.stderr).toContain("was cancelled");
    expect(server.jobs[0]?.status).toBe("cancelled");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("cancels a job whose start was under way at Ctrl-C", async () => {
    await restart({ looks: 1e6 });
    const controller = new AbortController();
    server.intercept("POST /export/dump", () => {
      controller.abort();
      return false;
    });
    const result = await runCli(["dump", "-o", output], {
      url: server.url,
      interrupt: controller.signal,
    });
    expect(result.exitCode).toBe(130);
    expect(server.jobs[0]?.status).toBe("cancelled");
  });

  test("cancels the export too where Ctrl-C comes within an answer's body", async () => {
    await restart({ looks: 1e6 });
    const controller = new AbortController();
    server.intercept("GET /export/dump/", (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write("{", () => setImmediate(() => controller.abort()));
      return true;
    });
    const result = await runCli(["dump", "-o", "-"], {
      url: server.url,
      interrupt: controller.signal,
    });
    expect(result.exitCode).toBe(130);
    expect(server.jobs[0]?.status).toBe("cancelled");
  });

  test("asks again where an answer's body breaks off", async () => {
    server.intercept("GET /export/dump/", (_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "9999" });
      response.write("{", () => response.destroy());
      return true;
    });
    expect(await runCli(["dump", "-o", output], server)).toMatchObject({ exitCode: 0 });
  });

  test("says of an export into a pipe how to find it again, since no file tells", async () => {
    await restart({ looks: 1e6 });
    server.intercept(
      "GET /export/dump/",
      (_request, response) => {
        response.destroy();
        return true;
      },
      9,
    );
    const result = await runCli(["--retries", "1", "dump", "-o", "-"], server);
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toContain(`durable-export wait ${server.jobs[0]?.jobId}`);
  });

  test("says how to end the export where Ctrl-C could not", async () => {
    await restart({ looks: 1e6 });
    server.intercept(
      "DELETE ",
      (_request, response) => {
        sendProblem(response, 500, "internal-error", "sorry", { "retry-after": "0" });
        return true;
      },
      9,
    );
    const result = await runCli(["dump", "-o", output], { url: server.url, ...interruptAtStart() });
    expect(result.exitCode).toBe(130);
    expect(result.stderr).toContain(`durable-export cancel ${server.jobs[0]?.jobId}`);
  });

  test("cancels an export that takes longer than --timeout", async () => {
    await restart({ looks: 1e6 });
    const result = await runCli(["dump", "-o", output, "--timeout", "0.01s"], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("timed out");
    expect(server.jobs[0]?.status).toBe("cancelled");
  });

  test("names the running export where the source is busy", async () => {
    server.intercept("POST /export/dump", (_request, response) => {
      response.writeHead(409, { "content-type": "application/problem+json" });
      response.end(
        JSON.stringify({ code: "export-already-running", detail: "busy", jobId: "job-7" }),
      );
      return true;
    });
    const result = await runCli(["dump", "-o", output], server);
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toContain("durable-export wait job-7");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("writes every file of an export that has several into a folder", async () => {
    await restart({ artifacts: { "a b.csv": Buffer.from("1\n"), "c.csv": Buffer.alloc(0) } });
    const result = await runCli(["dump", "--format", "csv", "-o", `${folder}/out`], server);
    expect(result.exitCode).toBe(0);
    expect(readdirSync(`${folder}/out`).sort()).toEqual([
      "a b.csv",
      "c.csv",
      "durable-export.manifest.json",
    ]);
    expect((await runCli(["verify", `${folder}/out`], server)).exitCode).toBe(0);
    expect((await runCli(["verify", `${folder}/out/a b.csv`], server)).exitCode).toBe(0);
  });

  test("refuses a file for several files, and leaves it alone", async () => {
    await restart({ artifacts: { "a.csv": Buffer.from("1\n"), "b.csv": Buffer.alloc(0) } });
    writeFileSync(output, "yesterday");
    const { exitCode, stderr } = await runCli(["dump", "--format", "csv", "-o", output], server);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${output} is a file, but this export has 2 files`);
    expect(readFileSync(output, "utf8")).toBe("yesterday");
    expect(readdirSync(folder)).toEqual([basename(output)]);
  });

  test("warns if a folder of several files has the name of one file", async () => {
    await restart({ artifacts: { "a.csv": Buffer.from("1\n"), "b.csv": Buffer.alloc(0) } });
    const named = await runCli(["dump", "--format", "csv", "-o", `${folder}/all.csv`], server);
    expect(named.exitCode).toBe(0);
    expect(named.stderr).toContain(
      `warning: ${folder}/all.csv is a folder, because the export has 2 files`,
    );
    const asked = await runCli(["dump", "--format", "csv", "-o", `${folder}/all.csv/`], server);
    expect(asked.stderr).not.toContain("warning");
  });

  test("sends standard output the ZIP of several files, each of which it checks", async () => {
    await restart({ artifacts: { "a.csv": Buffer.from("1\n"), "b.csv": Buffer.alloc(0) } });
    const result = await runCli(["dump", "--format", "csv", "-o", "-"], server);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toContain("standard output: ");
    expect(result.stderr).toContain("2 files, verified, sha256");
    expect(result.stdoutBytes.equals(server.zipOf(server.jobs[0] as { jobId: string }))).toBe(true);
  });

  test("writes the ZIP of several files where the name says so, with the manifest beside it", async () => {
    await restart({ artifacts: { "a.csv": Buffer.from("1\n"), "b.csv": Buffer.from("2\n") } });
    const zip = join(folder, "all.ZIP");
    const { stdout, exitCode } = await runCli(["dump", "--json", "-o", zip], server);
    expect(exitCode).toBe(0);
    const bytes = readFileSync(zip);
    expect(bytes.equals(server.zipOf(server.jobs[0] as { jobId: string }))).toBe(true);
    expect(JSON.parse(stdout)).toMatchObject({
      path: zip,
      manifestPath: `${zip}.manifest.json`,
      sha256: sha256Of(bytes),
      bytes: bytes.length,
      files: [
        { name: "a.csv", path: zip },
        { name: "b.csv", path: zip },
      ],
    });
    const verified = await runCli(["verify", zip], server);
    expect(verified.exitCode).toBe(0);
    expect(verified.stderr).toContain("of 2 files");
    // A second download finds the file and leaves it.
    const jobId = server.jobs[0]?.jobId ?? "";
    const again = server.requestsTo("/download").length;
    expect((await runCli(["download", jobId, "-o", zip], server)).exitCode).toBe(0);
    expect(
      server
        .requestsTo("/download")
        .slice(again)
        .map(({ headers }) => headers.range),
    ).toEqual(["bytes=0-0"]);
  });

  test("saves a sealed file as it is stored, and verify checks it with and without the key", async () => {
    const sealedFrom: Record<string, Buffer> = {
      "a.csv.age": Buffer.from("1\n"),
      "b.csv.age": Buffer.from("2\n"),
    };
    const artifacts: Record<string, Buffer> = {};
    for (const [name, plain] of Object.entries(sealedFrom)) {
      const encrypter = new Encrypter();
      encrypter.addRecipient(TEST_RECIPIENT);
      artifacts[name] = Buffer.from(await encrypter.encrypt(plain));
    }
    await restart({ artifacts, sealedFrom });
    const place = join(folder, "all/");
    expect(await runCli(["dump", "--encrypt", "all", "-o", place], server)).toMatchObject({
      exitCode: 0,
    });
    expect(server.jobs[0]?.request).toEqual({ encrypt: "all" });
    expect(readFileSync(join(place, "a.csv.age"))).toEqual(artifacts["a.csv.age"]);
    writeFileSync(join(folder, "key.txt"), TEST_IDENTITY);
    const identity = ["--identity", join(folder, "key.txt")];
    expect(await runCli(["-q", "verify", place], server)).toMatchObject({ exitCode: 0 });
    expect(await runCli(["-q", "verify", place, ...identity], server)).toMatchObject({
      exitCode: 0,
    });
    const zip = join(folder, "all.zip");
    const jobId = server.jobs[0]?.jobId ?? "";
    expect((await runCli(["download", jobId, "-o", zip], server)).exitCode).toBe(0);
    expect((await runCli(["verify", zip], server)).exitCode).toBe(0);
    const one = join(folder, "one.age");
    const only = ["download", jobId, "--artifact", "b.csv", "-o", one];
    expect((await runCli(only, server)).exitCode).toBe(0);
    expect(readFileSync(one)).toEqual(artifacts["b.csv.age"]);
    const damaged = Buffer.from(artifacts["a.csv.age"] ?? []);
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    writeFileSync(join(place, "a.csv.age"), damaged);
    for (const more of [[], identity]) {
      const result = await runCli(["-q", "verify", place, ...more], server);
      expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("a.csv.age") });
    }
  });

  test("writes a signed ZIP and the signature next to it, and compares the one in the ZIP", async () => {
    const artifacts = { "a.csv": Buffer.from("1\n"), "b.csv": Buffer.from("2\n") };
    const signature = Buffer.alloc(64, "s");
    await restart({ artifacts, signature });
    const zip = join(folder, "all.zip");
    expect((await runCli(["dump", "-o", zip], server)).exitCode).toBe(0);
    const kept = join(folder, "all.zip.manifest.json.sig");
    expect(readFileSync(kept)).toEqual(signature);
    expect(await runCli(["-q", "verify", zip], server)).toMatchObject({ exitCode: 0 });
    writeFileSync(kept, Buffer.alloc(64, "t"));
    expect(await runCli(["-q", "verify", zip], server)).toMatchObject({ exitCode: 1 });
  });

  test("says of a ZIP with one wrong byte that it is not the manifest's, and keeps nothing of it", async () => {
    const artifacts = { "a.csv": Buffer.from("1\n"), "b.csv": Buffer.from("2\n") };
    await restart({ artifacts });
    const zip = join(folder, "all.zip");
    await runCli(["dump", "-o", zip], server);
    const damaged = readFileSync(zip);
    damaged[damaged.indexOf("2\n", damaged.indexOf("b.csv"))] = 0x33;
    writeFileSync(zip, damaged);
    expect(await runCli(["-q", "verify", zip], server)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("is not the ZIP of the files that the manifest lists"),
    });
    const manifest = server.manifestOf(server.jobs[0] as { jobId: string });
    await restart({ artifacts: { ...artifacts, "b.csv": Buffer.from("3\n") } });
    server.intercept("/manifest", (_request, response) => {
      response.end(JSON.stringify(manifest));
      return true;
    });
    rmSync(zip);
    const result = await runCli(["-q", "dump", "-o", zip], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("do not match the manifest's SHA-256");
    expect(readdirSync(folder)).not.toContain("all.zip");
    expect(readdirSync(folder)).not.toContain("all.zip.part");
  });

  test.each([".zip", ".sql.gz", ".zst"])(
    "says that a name which ends with %s is not what the file is",
    async (suffix) => {
      const path = join(folder, `one${suffix}`);
      const result = await runCli(["dump", "-o", path], server);
      expect(result.exitCode).toBe(0);
      expect(result.stderr).toContain("contains dump.sql, although its name ends with");
      expect(readFileSync(path).equals(DUMP)).toBe(true);
    },
  );

  test.each(["../evil.sql", "a/b", "..", "nul\u0000"])(
    "writes nothing by the name %j that a server gives",
    async (name) => {
      await restart({ artifacts: { [name]: DUMP } });
      const result = await runCli(["dump", "-o", `${folder}/`], server);
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toContain("name");
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  // Only Linux has a device that is always full.
  test.skipIf(!existsSync("/dev/full"))("tells a full disk in one line", async () => {
    const result = await runCli(["-q", "dump", "-o", "/dev/full"], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toBe("durable-export: /dev/full: the disk is full");
  });

  test("tells before the download that the disk cannot hold the file", async () => {
    server.intercept("/manifest", (_request, response) => {
      const manifest = server.manifestOf({ jobId: "x" });
      const huge = { name: "dump.sql", bytes: 1e15, sha256: "0".repeat(64) };
      response.end(JSON.stringify({ ...manifest, artifacts: [huge] }));
      return true;
    });
    const result = await runCli(["-q", "dump", "-o", output], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/1\.00e\+3 TB are needed|1000 TB are needed/);
    expect(server.requestsTo("/download")).toEqual([]);
  });

  test("makes no folder for an export that the Worker refuses", async () => {
    server.intercept("POST /export/dump", (_request, response) => {
      sendProblem(response, 400, "invalid-request", "no");
      return true;
    });
    const result = await runCli(["-q", "dump", "-o", `${folder}/a/b/`], server);
    expect(result.exitCode).toBe(2);
    expect(readdirSync(join(folder, "a"))).toEqual([]);
  });

  test("creates the folder of its output", async () => {
    const path = join(folder, "new", "deeper", "x.sql");
    const result = await runCli(["-q", "dump", "-o", path], server);
    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readFileSync(path).equals(DUMP)).toBe(true);
  });

  test("starts no export if the folder cannot be created", async () => {
    writeFileSync(join(folder, "file"), "");
    const result = await runCli(["-q", "dump", "-o", join(folder, "file", "x.sql")], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(join(folder, "file"));
    expect(server.jobs).toEqual([]);
  });

  test("warns about an empty export, and names the object that may be misspelled", async () => {
    await restart({ rows: 0, tables: [] });
    const result = await runCli(["dump", "-o", output, "--object-name", "acmee"], server);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toContain("is empty: the database has no rows");
    expect(result.stderr).toContain('Check that "acmee" is the object\'s exact name');
  });

  test("keeps the old file and fails if an export is empty and --fail-if-empty is set", async () => {
    await restart({ rows: 0, tables: [] });
    writeFileSync(output, "yesterday");
    const result = await runCli(["-q", "dump", "-o", output, "--fail-if-empty"], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("is empty");
    expect(readdirSync(folder)).toEqual(["backup.sql"]);
    expect(readFileSync(output, "utf8")).toBe("yesterday");
  });

  test.each(["backup.csv", "backup.json", "backup.parquet", "backup.db.gz"])(
    "warns that %s is not the name of an SQL script",
    async (name) => {
      const result = await runCli(["dump", "-o", join(folder, name)], server);
      expect(result.stderr).toContain("although its name ends with");
    },
  );

  test.each(["backup", "backup.sql", "BACKUP.SQL", "backup.2026-11-28", "backup.bak"])(
    "accepts the name %s for an SQL script without a warning",
    async (name) => {
      const result = await runCli(["dump", "-o", join(folder, name)], server);
      expect(result.stderr).not.toContain("warning");
    },
  );

  test("refuses a retention that the Worker does not allow", async () => {
    const result = await runCli(["dump", "-o", output, "--retention-hours", "8761"], server);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("--retention-hours must be a whole number from 1 to 8760");
  });
});

describe("the other commands", () => {
  test("start prints the job's id alone, wait follows it, status shows it, download brings it", async () => {
    await restart({ looks: 1 });
    const { stdout } = await runCli(["start"], server);
    const jobId = stdout.trim();
    expect(jobId).toBe(server.jobs[0]?.jobId);
    expect((await runCli(["wait", jobId], server)).exitCode).toBe(0);
    const status = await runCli(["status", jobId], server);
    expect(status.stdout).toContain("completed");
    expect(status.stdout).toContain("consistency snapshot (one instant, kept by an undo log)\n");
    const json = await runCli(["--json", "status", jobId], server);
    const consistency = { requestedConsistency: "snapshot", snapshotMethod: "undo-log" };
    expect(JSON.parse(json.stdout)).toMatchObject({ consistency: "snapshot", ...consistency });
    const download = await runCli(["download", jobId, "-o", output], server);
    expect(download.exitCode).toBe(0);
    expect(readFileSync(output).equals(DUMP)).toBe(true);
  });

  test("wait leaves the job alone on Ctrl-C and on a timeout", async () => {
    await restart({ looks: 1e6 });
    const jobId = (await runCli(["start"], server)).stdout.trim();
    const controller = new AbortController();
    server.intercept("GET /export/dump/", () => {
      controller.abort();
      return false;
    });
    const interrupted = await runCli(["wait", jobId], {
      url: server.url,
      interrupt: controller.signal,
    });
    expect(interrupted.exitCode).toBe(130);
    expect((await runCli(["wait", jobId, "--timeout", "0.01s"], server)).exitCode).toBe(1);
    expect(server.jobs[0]?.status).toBe("running");
  });

  test("cancel ends a running job, and leaves a finished one and its files alone", async () => {
    await restart({ looks: 1e6 });
    const running = (await runCli(["start"], server)).stdout.trim();
    expect((await runCli(["cancel", running], server)).exitCode).toBe(0);
    // A job that ends between the look and this call is not deleted.
    expect(server.requestsTo("DELETE")[0]?.path).toMatch(/\?only=cancel$/);
    expect(server.jobs[0]?.status).toBe("cancelled");
    await restart({});
    await runCli(["dump", "-o", output], server);
    const done = server.jobs[0]?.jobId ?? "";
    const result = await runCli(["cancel", done], server);
    expect(result).toMatchObject({ exitCode: 0 });
    expect(result.stderr).toContain("nothing to cancel");
    expect(server.jobs).toHaveLength(1);
    expect((await runCli(["delete", done], server)).exitCode).toBe(0);
    expect(server.jobs).toEqual([]);
  });

  test("delete refuses a running job", async () => {
    await restart({ looks: 1e6 });
    const jobId = (await runCli(["start"], server)).stdout.trim();
    const result = await runCli(["delete", jobId], server);
    expect(result.exitCode).toBe(3);
    expect(server.jobs[0]?.status).toBe("running");
  });

  test("list shows the jobs, or that there are none", async () => {
    expect((await runCli(["list"], server)).stdout).toBe("no jobs\n");
    await runCli(["start"], server);
    expect((await runCli(["list"], server)).stdout).toMatch(
      /^[\da-f-]{36} {2}running {4}created [\dT:-]+Z\n {2}main, sql, \d rows?, [\d.]+ k?B\n$/,
    );
    const { stdout } = await runCli(["list", "--json"], server);
    expect(JSON.parse(stdout)).toMatchObject({ jobs: [{ jobId: server.jobs[0]?.jobId }] });
  });

  test("list --series shows which rule keeps each export", async () => {
    const policy = { keepLast: 1, keepDaily: 7 };
    const nightly = { series: "nightly", policy };
    await restart({
      retentions: [
        { ...nightly, keptBy: [{ rule: "keepDaily", period: "2026-10-31", isOldest: true }] },
        null,
        {
          ...nightly,
          keptBy: [{ rule: "newest" }, { rule: "keepDaily", period: "2026-11-01" }],
        },
        { series: "hourly", policy: { keepLast: 9 }, keptBy: [{ rule: "in-use" }] },
      ],
    });
    expect((await runCli(["list", "--series"], server)).stdout).toBe("no series\n");
    for (let n = 0; n < 4; n += 1) await runCli(["start"], server);
    const [first, , third, fourth] = server.jobs.map(({ jobId }) => jobId);
    const at = "2026-11-01T00:00:00Z";
    const text = [
      "main, series nightly: keepLast 1, keepDaily 7",
      `  ${third}  ${at}  newest, keepDaily 2026-11-01`,
      `  ${first}  ${at}  keepDaily 2026-10-31 (oldest)`,
    ];
    const { stdout } = await runCli(["list", "--series"], server);
    expect(stdout.split("\n\n").map((each) => each.trimEnd())).toEqual([
      `main, series hourly: keepLast 9\n  ${fourth}  ${at}  in-use`,
      text.join("\n"),
    ]);
    const named = await runCli(["list", "--series", "nightly"], server);
    expect(named.stdout).toBe(`${text.join("\n")}\n`);
    const json = await runCli(["list", "--series", "hourly", "--json"], server);
    expect(JSON.parse(json.stdout)).toMatchObject({
      series: [{ source: "main", series: "hourly", jobs: [{ jobId: fourth }] }],
    });
    const both = await runCli(["list", "--series", "--restores"], server);
    expect(both).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("leave out") });
  });

  test.each([
    ["last", "last in --keep"],
    ["last=0", "last in --keep"],
    ["hourly=3", '"hourly=3", which is not a rule'],
    ["last=1,last=2", "contains last twice"],
    [",", "contains no rule"],
  ])("--keep %s is refused", async (rules, message) => {
    const result = await runCli(["start", "--series", "s", "--keep", rules], server);
    expect(result).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(message) });
    expect(server.jobs).toEqual([]);
  });

  test.each([
    ["completed", PROVED, "restored itself: equal, 223,398 rows in 8 pieces, 12.3 s", "proved"],
    ["running", { state: "running", rowsWritten: 5 }, "5 rows written", "proving"],
    ["running", { state: "none" }, "not begun", "running"],
    ["failed", { state: "failed" }, "failed", "failed"],
    ["cancelled", { state: "none" }, "none", "cancelled"],
  ] as const)("status and list show the proof of a job that is %s", async (...row) => {
    const [status, proof, line, word] = row;
    await restart({ looks: status === "running" ? 1e6 : 0, ending: { status }, proof });
    const jobId = (await runCli(["start", "--verify", "restore"], server)).stdout.trim();
    const shown = await runCli(["status", jobId], server);
    expect(shown.stdout).toContain(`proof       ${line}\n`);
    const { stdout } = await runCli(["list"], server);
    expect(stdout.split("\n")[0]).toMatch(new RegExp(`^${jobId}  ${word} +created `));
  });

  test("status shows no proof of a job that asks for none", async () => {
    await restart({ proof: {} });
    const jobId = (await runCli(["start"], server)).stdout.trim();
    expect((await runCli(["status", jobId], server)).stdout).not.toContain("proof");
  });

  test("wait reports the proof", async () => {
    await restart({ proof: PROVED });
    const jobId = (await runCli(["start", "--verify", "restore"], server)).stdout.trim();
    expect((await runCli(["wait", jobId], server)).stderr).toContain("restored itself: equal");
  });

  test("list shows everything of a proved job within 80 columns", async () => {
    await restart({ proof: PROVED });
    await runCli(["dump", "--verify", "restore", "-o", output], server);
    const { stdout } = await runCli(["list"], server);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/ proved +created 2026-11-01T00:00:00Z\n +main, sql, 3 rows, 60 B$/m);
  });

  test("an unknown job is refused", async () => {
    const result = await runCli(["-q", "status", "nope"], server);
    expect(result).toMatchObject({ exitCode: 3, stdout: "" });
    expect(result.stderr).toContain("job-not-found");
  });

  test("a wrong token is refused", async () => {
    const result = await runCli(["-q", "list"], { url: server.url, token: "wrong-token" });
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toBe(
      "durable-export: unauthorized: the bearer token does not match this Worker's. Check DURABLE_EXPORT_TOKEN, --token or the configuration file.",
    );
  });

  test("a Worker that nobody runs is unreachable", async () => {
    const { url } = server;
    await server.stop();
    const result = await runCli(["-q", "--retries", "0", "list"], { url });
    server = await FakeExportServer.start({ artifacts: {} });
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toBe(`durable-export: ${url} cannot be reached: connection refused`);
  });

  test("doctor reports each check, and the exit code of the first that fails", async () => {
    const good = await runCli(["doctor"], server);
    expect(good.exitCode).toBe(0);
    expect(good.stdout.match(/^ok /gm)).toHaveLength(8);
    expect(good.stdout).toContain("R2 is bound");
    expect(good.stdout).toContain(
      "ok    proofs   --verify restore is possible for main; a proof writes at most 50,000,000 rows",
    );
    expect(good.stdout).toContain("main (durable-object, writable)");
    const bad = await runCli(["doctor", "--json"], { url: server.url, token: "wrong-token" });
    expect(bad.exitCode).toBe(3);
    expect(JSON.parse(bad.stdout)).toMatchObject({
      ok: false,
      checks: [{ ok: true }, { ok: true }, { check: "token", ok: false }],
    });
    server.intercept("/export/sources", (_request, response) => {
      const source = { name: "shop", type: "d1", problem: "binding SHOP_DB is missing" };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ version: "9.9.9", storage: "r2", sources: [source] }));
      return true;
    });
    const unbound = await runCli(["doctor"], server);
    expect(unbound.exitCode).toBe(3);
    expect(unbound.stdout).toContain('FAIL  sources  source "shop": binding SHOP_DB is missing');
    const unset = await runCli(["doctor"], { url: "" });
    expect(unset.exitCode).toBe(2);
    expect(unset.stdout).toContain("FAIL  settings");
  });

  test.each([
    [
      { problem: "binding EXPORT_SCRATCH is missing", rowsMax: 9 },
      "note  proofs   --verify restore is not possible: binding EXPORT_SCRATCH is missing",
    ],
    [undefined, "ok    proofs   this Worker is too old to report it"],
  ])("doctor accepts a Worker whose proofs are %j", async (proof, line) => {
    server.intercept(
      "/export/sources",
      (_request, response) => {
        sendJson(response, 200, { version: "9.9.9", storage: "r2", proof, sources: [] });
        return true;
      },
      3,
    );
    const result = await runCli(["doctor"], server);
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain(line);
  });

  test.each([
    [0, { recipients: 0, signs: false }, "ok    keys     copies are not sealed; manifests are not"],
    [
      0,
      { recipients: 2, signs: true },
      "ok    keys     copies are sealed for 2 keys; manifests are signed",
    ],
    [3, { recipients: 1, signs: true, problem: "it is no key" }, "FAIL  keys     it is no key"],
    [0, undefined, "ok    keys     this Worker is too old to report it"],
  ])("doctor exits with %i if the Worker's keys are %j", async (exitCode, given, line) => {
    const keys = given && { problem: null, ...given };
    server.intercept(
      "/export/sources",
      (_request, response) => {
        sendJson(response, 200, { version: "9.9.9", storage: "r2", keys, sources: [] });
        return true;
      },
      4,
    );
    const result = await runCli(["doctor"], server);
    expect(result.stdout).toContain(line);
    expect(result.exitCode).toBe(exitCode);
  });

  test.each([
    [
      0,
      { storage: "inline", inline: { bytesUsed: 1_500_000, bytesMax: 1_073_741_824 } },
      "ok    storage  no bucket is bound: files are kept in the jobs database, 1.50 MB of 1.07 GB used",
    ],
    [
      3,
      { storage: "inline", inline: { bytesUsed: 1_073_741_824, bytesMax: 1_073_741_824 } },
      "FAIL  storage  no bucket is bound: files are kept in the jobs database, and it is full: 1.07 GB of 1.07 GB used. Delete",
    ],
    [3, { storage: "none" }, "FAIL  storage  no R2 bucket is bound. Bind one as"],
  ])("doctor exits with %i where the Worker's storage is %j", async (exitCode, storage, line) => {
    server.intercept(
      "/export/sources",
      (_request, response) => {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ version: "9.9.9", ...storage, sources: [] }));
        return true;
      },
      2,
    );
    const result = await runCli(["doctor"], server);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stdout).toContain(line);
  });
});

describe("doctor on destinations", () => {
  const offsite = { name: "offsite", type: "s3", prune: false, problem: null };
  const archive = { name: "archive", type: "r2", prune: true, problem: null };
  const probes = (destinations: object[]): [number, string] => [
    200,
    JSON.stringify({ destinations }),
  ];
  const problem = (status: number, code: string): [number, string] => [
    status,
    JSON.stringify({ code, detail: "no", hint: "none" }),
  ];

  test.each([
    [0, probes([offsite, archive]), "offsite (s3), archive (r2)"],
    [0, probes([]), "no destinations are set"],
    [
      3,
      probes([offsite, { ...archive, problem: "its bucket does not exist" }]),
      "FAIL  copies   archive: its bucket does not exist. Correct the destination",
    ],
    [0, problem(403, "forbidden"), "not checked: this token may only read"],
    [0, problem(404, "not-found"), "this Worker is too old to report it"],
    [3, problem(401, "unauthorized"), "FAIL  copies   unauthorized: no"],
  ] as const)("exits with %i after %j", async (exitCode, [status, body], line) => {
    server.intercept("POST /export/destinations/probe", (_request, response) => {
      response.writeHead(status, { "content-type": "application/json" }).end(body);
      return true;
    });
    const result = await runCli(["doctor"], server);
    expect(result.stdout).toContain(line);
    expect(result.exitCode).toBe(exitCode);
  });
});

describe("verify", () => {
  beforeEach(async () => {
    await runCli(["dump", "-o", output], server);
  });

  test("says that a file is the manifest's", async () => {
    const result = await runCli(["verify", output], server);
    expect(result).toMatchObject({ exitCode: 0, stdout: "" });
    expect(result.stderr).toContain("SHA-256");
  });

  test("takes the manifest from the Worker with --job", async () => {
    rmSync(`${output}.manifest.json`);
    expect((await runCli(["verify", output], server)).exitCode).toBe(2);
    const jobId = server.jobs[0]?.jobId ?? "";
    expect((await runCli(["verify", output, "--job", jobId], server)).exitCode).toBe(0);
  });

  test("tells of a file that is not there, and not of its manifest", async () => {
    const result = await runCli(["verify", join(folder, "nope.sql")], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("nope.sql: there is no such file or folder");
  });

  test("tells which chunk is damaged", async () => {
    const damaged = Buffer.from(DUMP);
    damaged[DUMP.length - 3] = 0x21;
    writeFileSync(output, damaged);
    const result = await runCli(["-q", "verify", output], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(`within bytes ${Math.floor(DUMP.length / 2)} to`);
  });

  test("tells a file that was cut off", async () => {
    writeFileSync(output, DUMP.subarray(0, 10));
    const result = await runCli(["-q", "verify", output], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("has 10 bytes");
  });

  test("restores a dump and counts the rows of every table", async () => {
    const result = await runCli(["verify", "--restore", "--json", output], server);
    expect(result.exitCode).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({
      verified: true,
      restored: [{ name: "t", expectedRows: 3, rows: 3 }],
    });
  });

  test.each([
    ["gzip", (bytes: Buffer) => gzipSync(bytes)],
    ["Zstandard", (bytes: Buffer) => zstdCompressSync(bytes)],
  ])(
    "restores a dump of several %s members, as the Worker writes them",
    async (_what, compress) => {
      const middle = Math.floor(DUMP.length / 2);
      const members = [DUMP.subarray(0, middle), DUMP.subarray(middle)].map(compress);
      await restart({ artifacts: { "dump.sql.x": Buffer.concat(members) } });
      await runCli(["dump", "-o", output], server);
      expect((await runCli(["verify", "--restore", output], server)).exitCode).toBe(0);
    },
  );

  test.each([
    ["rows are missing", [{ name: "t", rows: 4, bytes: 1 }], /has 3 rows after the restore/],
    ["a table is missing", [{ name: "u", rows: 0, bytes: 1 }], /"u" is missing after the restore/],
  ])("fails where %s after the restore", async (_what, tables, words) => {
    await restart({ tables });
    await runCli(["dump", "-o", output], server);
    const result = await runCli(["verify", "--restore", "-q", output], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(words);
  });

  test.each([
    ["no SQL", "hello world;", /syntax error/],
    ["half a statement", "CREATE TABLE t(a); INSERT INTO t VALUES('", /ends within a statement/],
  ])("fails where the dump holds %s", async (_what, text, words) => {
    await restart({ artifacts: { "dump.sql": Buffer.from(text) } });
    await runCli(["dump", "-o", output], server);
    const result = await runCli(["verify", "--restore", "-q", output], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(words);
  });

  test.each([
    ["what is no SQL dump", { format: "csv" }],
    ["data without a schema", { content: "data" }],
  ])("refuses to restore %s", async (_what, changes) => {
    const path = `${output}.manifest.json`;
    const manifest = JSON.parse(readFileSync(path, "utf8")) as object;
    writeFileSync(path, JSON.stringify({ ...manifest, ...changes }));
    const result = await runCli(["verify", "--restore", output], server);
    expect(result.exitCode).toBe(2);
  });

  test("refuses a manifest that is none", async () => {
    writeFileSync(`${output}.manifest.json`, "{}");
    const result = await runCli(["verify", output], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("is not a manifest");
  });
});

describe("usage", () => {
  test.each([
    [["dumpp"], "unknown command"],
    [["dump", "--nope"], "unknown option"],
    [["status"], "missing required argument"],
    [["wait", ""], "the job's id is empty"],
    [["verify", "x.sql", "--job", " "], "the job's id is empty"],
    [["--config", "/nowhere/config.json", "list"], "cannot be read: ENOENT"],
    [["--retries", "x", "list"], "--retries must be a whole number"],
    [["dump", "--timeout", "soon"], "is not a duration"],
    [["dump", "--json", "-o", "-"], "both write to standard output"],
    [["dump", "--retention-hours", "1.5"], "--retention-hours must be a whole number"],
    [["--url", "ftp://x", "list"], "does not begin with https://"],
    [["--url", "https://u:secret@x.example", "list"], "contains a user name or password"],
    [[], "Usage"],
  ])("%j is a usage error", async (args, words) => {
    const result = await runCli(args, server);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(words);
    expect(result.stderr).not.toContain("secret");
  });

  test("a request that the Worker calls wrong is a usage error, in the Worker's words", async () => {
    server.intercept("POST /export/dump", (_request, response) => {
      sendProblem(response, 400, "invalid-request", "the body: format: not one of sql, csv");
      return true;
    });
    const result = await runCli(["-q", "dump", "-o", output, "--format", "xlsx"], server);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("format: not one of sql, csv");
  });

  test("help and version end well", async () => {
    expect(await runCli(["--help"], server)).toMatchObject({ exitCode: 0 });
    const { stdout, exitCode } = await runCli(["--version"], server);
    expect({ stdout, exitCode }).toEqual({ stdout: `${VERSION}\n`, exitCode: 0 });
  });
});

describe("the token", () => {
  const NO_SETTINGS = { DURABLE_EXPORT_TOKEN: "", DURABLE_EXPORT_URL: "" };

  /** Returns the path of a configuration file with these permissions. */
  function writeConfig(mode: number): string {
    const path = join(folder, "config.json");
    writeFileSync(path, JSON.stringify({ url: server.url, token: FAKE_TOKEN }));
    chmodSync(path, mode);
    return path;
  }

  test("is never shown, not even where the Worker says it", async () => {
    server.intercept("GET /export/jobs", (_request, response) => {
      sendProblem(response, 403, "forbidden", `no ${FAKE_TOKEN} here`);
      return true;
    });
    for (const args of [["list"], ["list", "--json"]]) {
      const { stdout, stderr } = await runCli(args, server);
      expect(stdout + stderr).not.toContain(FAKE_TOKEN);
    }
  });

  test("is taken from a file that is named", async () => {
    const env = { ...NO_SETTINGS, DURABLE_EXPORT_CONFIG: writeConfig(0o600) };
    expect(await runCli(["list"], { url: "", env })).toMatchObject({ exitCode: 0, stderr: "" });
  });

  // Windows has no such permissions.
  test.skipIf(process.platform === "win32")(
    "is taken from a file that others may read with a warning",
    async () => {
      const env = { ...NO_SETTINGS, DURABLE_EXPORT_CONFIG: writeConfig(0o644) };
      const { exitCode, stderr } = await runCli(["list"], { url: "", env });
      expect(exitCode).toBe(0);
      expect(stderr).toContain("other users can read");
    },
  );

  test.each([
    [`{"url": "https://x.example", "token": ["${FAKE_TOKEN}"]}`, "wrong or unknown value: token"],
    [`{"tokn": "${FAKE_TOKEN}"}`, "wrong or unknown value"],
    [FAKE_TOKEN, "is not JSON"],
    [`{"url": "https://x.example", "token": "${FAKE_TOKEN} ${FAKE_TOKEN}"}`, "white space"],
  ])("stays out of the words about a wrong file", async (text, words) => {
    const path = join(folder, "config.json");
    writeFileSync(path, text);
    const result = await runCli(["--config", path, "list"], { url: "", env: NO_SETTINGS });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(words);
    expect(result.stderr).not.toContain(FAKE_TOKEN);
  });
});
