import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { DatabaseSync } from "node:sqlite";
import { gzipSync, zstdDecompressSync } from "node:zlib";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { FakeExportServer, sendProblem, sha256Of } from "../../test/support/fake-export-server.ts";
import { FAKE_PART_BYTES } from "../../test/support/fake-imports.ts";
import { type CliOptions, type CliResult, runCli } from "../../test/support/run-cli.ts";

const SCRIPT = Buffer.from(
  `CREATE TABLE t(id INTEGER PRIMARY KEY, a);\nINSERT INTO t VALUES(1,'${"x".repeat(90)}');\n` +
    `INSERT INTO t VALUES(2,'${"y".repeat(90)}');\n`,
);
const PARTS = Math.ceil(SCRIPT.length / FAKE_PART_BYTES);

let server: FakeExportServer;
let folder: string;
let file: string;

beforeEach(async () => {
  server = await FakeExportServer.start({ artifacts: { "dump.sql": SCRIPT } });
  folder = mkdtempSync(join(tmpdir(), "cli-restore-"));
  file = join(folder, "backup.sql");
  writeFileSync(file, SCRIPT);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function restore(args: string[], options: Partial<CliOptions> = {}): Promise<CliResult> {
  const env = { XDG_CACHE_HOME: join(folder, "cache"), ...options.env };
  return runCli(["restore", ...args], { url: server.url, ...options, env });
}

/** Aborts when standard error contains `words`. */
function interruptAt(words: string): Pick<CliOptions, "interrupt" | "onStderr"> {
  const controller = new AbortController();
  const onStderr = (text: string) => {
    if (text.includes(words)) controller.abort();
  };
  return { interrupt: controller.signal, onStderr };
}

function uploadedParts(): string[] {
  return server.requestsTo("PUT /import/files").map(({ path }) => path.split("/").at(-1) ?? "");
}

function notes(): string[] {
  const place = join(folder, "cache", "durable-export", "uploads");
  return existsSync(place) ? readdirSync(place) : [];
}

describe("a file", () => {
  test("is uploaded in parts, restored, and what is proved is reported", async () => {
    const flags =
      "--target main --object-name acme --verify counts --callback-url https://e.example/x";
    const result = await restore([file, ...flags.split(" ")]);
    expect(result.exitCode).toBe(0);
    const [uploaded] = server.imports.files;
    expect(uploaded).toMatchObject({ name: "backup.sql", isCompleted: true });
    expect(uploaded?.parts.size).toBe(PARTS);
    expect(uploaded && server.imports.bytesOf(uploaded)).toEqual(SCRIPT);
    expect(server.imports.restores[0]?.request).toEqual({
      from: { fileId: uploaded?.fileId },
      target: "main",
      name: "acme",
      verify: "counts",
      callbackUrl: "https://e.example/x",
    });
    expect(result.stderr).toContain(
      "into main: 2 rows, 3 statements, 240 B of SQL text in 3 s; verified: row counts equal",
    );
    expect(notes()).toEqual([]);
  });

  test.each([
    ["digest", "equal", "verified: every byte equal"],
    ["none", "skipped", "not verified"],
  ])("verified by %s is reported as such", async (method, state, words) => {
    server.imports.options = { ending: { verification: { method, state, pieces: 1, rows: 2 } } };
    expect((await restore([file])).stderr).toContain(words);
  });

  test("names each phase while it is restored", async () => {
    server.imports.options = { looks: 5 };
    const { stderr } = await restore([file], { isTerminal: true });
    for (const phase of ["uploading", "scanning", "safety export", "clearing", "loading"]) {
      expect(stderr).toContain(phase);
    }
  });

  test("of a database is dumped first", async () => {
    const database = join(folder, "app.sqlite");
    const db = new DatabaseSync(database);
    db.exec("CREATE TABLE note(text); INSERT INTO note VALUES('kept')");
    db.close();
    expect((await restore([database])).exitCode).toBe(0);
    const [uploaded] = server.imports.files;
    expect(uploaded?.name).toBe("app.sql.zst");
    const text = zstdDecompressSync(uploaded ? server.imports.bytesOf(uploaded) : SCRIPT);
    expect(text.toString()).toContain(
      'INSERT INTO "note"(rowid, "text") VALUES(1,\'kept\');'.slice(0, 11),
    );
    expect(text.toString()).toContain("'kept'");
  });

  test("may be standard input", async () => {
    const stdin = Readable.from([SCRIPT.subarray(0, 50), SCRIPT.subarray(50)]);
    expect((await restore(["-"], { stdin })).exitCode).toBe(0);
    const [uploaded] = server.imports.files;
    expect(uploaded && server.imports.bytesOf(uploaded)).toEqual(SCRIPT);
  });

  test("leaves nothing among the temporary files", async () => {
    vi.stubEnv("TMPDIR", join(folder, "tmp"));
    mkdirSync(join(folder, "tmp"));
    const stdin = Readable.from([Buffer.from("id,name\n")]);
    expect((await restore(["-"], { stdin })).exitCode).toBe(1);
    const database = new DatabaseSync(join(folder, "app.sqlite"));
    database.exec("CREATE TABLE note(text)");
    database.close();
    expect((await restore([join(folder, "app.sqlite")])).exitCode).toBe(0);
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
  });

  test("may be compressed", async () => {
    writeFileSync(file, gzipSync(SCRIPT));
    expect((await restore([file])).exitCode).toBe(0);
  });

  test("prints the restore as JSON, and its id with --quiet", async () => {
    const { stdout } = await restore([file, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ kind: "restore", status: "completed" });
    const quiet = await restore([file, "--quiet"]);
    expect(quiet.stdout.trim()).toBe(server.imports.restores[1]?.jobId);
    expect(quiet.stderr).toBe("");
  });
});

describe("an upload", () => {
  test("repeats a part after an error that passes", async () => {
    server.intercept("PUT /import/files", (_, response) => {
      sendProblem(response, 503, "storage-unavailable", "busy", { "retry-after": "0" });
      return true;
    });
    server.intercept("PUT /import/files", (request) => {
      request.socket.destroy();
      return true;
    });
    expect((await restore([file])).exitCode).toBe(0);
    expect(uploadedParts()).toHaveLength(PARTS + 2);
  });

  test("resumes with the parts that are missing", async () => {
    server.intercept("/parts/2", (_, response) => {
      sendProblem(response, 422, "part-invalid", "part 2 differs");
      return true;
    });
    const first = await restore([file]);
    expect(first.exitCode).toBe(3);
    expect(first.stderr).toContain("part-invalid: part 2 differs");
    expect(notes()).toHaveLength(1);
    const stored = server.imports.files[0]?.parts.size ?? 0;
    const sent = uploadedParts().length;
    const second = await restore([file]);
    expect(second.exitCode).toBe(0);
    if (stored > 0) expect(second.stderr).toContain("resuming the upload");
    expect(second.stderr).not.toContain(": 0 B of");
    expect(server.imports.files).toHaveLength(1);
    expect(uploadedParts().length - sent).toBe(PARTS - stored);
  });

  test("starts a new upload if the file has changed, or with --fresh", async () => {
    const refuse = () =>
      server.intercept("/complete", (_, response) => {
        sendProblem(response, 409, "file-not-complete", "a part is missing");
        return true;
      });
    refuse();
    await restore([file]);
    utimesSync(file, 1, 1);
    refuse();
    await restore([file]);
    expect(server.imports.files).toHaveLength(2);
    await restore([file, "--fresh"]);
    expect(server.imports.files).toHaveLength(3);
  });

  test("starts a new upload if the Worker has deleted the file", async () => {
    server.intercept("/complete", (_, response) => {
      sendProblem(response, 409, "file-not-complete", "a part is missing");
      return true;
    });
    await restore([file]);
    server.imports.files.length = 0;
    expect((await restore([file])).exitCode).toBe(0);
    expect(server.imports.files).toHaveLength(1);
  });

  test("keeps its note after Ctrl-C, and says so", async () => {
    const controller = new AbortController();
    server.intercept("/parts/3", () => {
      controller.abort();
      return true;
    });
    const { exitCode, stderr } = await restore([file], { interrupt: controller.signal });
    expect(exitCode).toBe(130);
    expect(stderr).toContain("nothing was restored. Run the same command again: it resumes");
    expect(notes()).toHaveLength(1);
    expect(server.imports.restores).toEqual([]);
  });

  test("works without a place for its note", async () => {
    const { exitCode, stderr } = await restore([file], { env: { XDG_CACHE_HOME: "/dev/null" } });
    expect(exitCode).toBe(0);
    expect(stderr.match(/this upload cannot be resumed by another call/g)).toHaveLength(1);
  });
});

describe("a restore that runs", () => {
  test("continues after Ctrl-C, and the message names the commands for it", async () => {
    server.imports.options = { looks: 1_000 };
    const { exitCode, stderr } = await restore([file], interruptAt("started"));
    expect(exitCode).toBe(130);
    const id = server.imports.restores[0]?.jobId;
    expect(stderr).toContain(`restore ${id} continues`);
    expect(stderr).toContain(`durable-export wait ${id}`);
    expect(stderr).toContain(`durable-export cancel ${id}`);
    expect(server.requestsTo("DELETE")).toEqual([]);
  });

  test("is found again by the same command", async () => {
    server.imports.options = { looks: 1_000 };
    await restore([file], interruptAt("started"));
    for (const each of server.imports.restores) each.looksLeft = 0;
    const sent = uploadedParts().length;
    const { exitCode, stderr } = await restore([file]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`continuing with restore ${server.imports.restores[0]?.jobId}`);
    expect(server.imports.restores).toHaveLength(1);
    expect(uploadedParts()).toHaveLength(sent);
  });

  test("is not followed longer than --timeout", async () => {
    server.imports.options = { looks: 1_000 };
    const { exitCode, stderr } = await restore([file, "--timeout", "0.1s"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("continues");
  });
});

describe("an export", () => {
  const ID = "0b6f6a0e-7a53-4c6e-9a56-0d6a3b1f2c4d";

  test("is restored without an upload", async () => {
    expect((await restore([ID, "--target", "main"])).exitCode).toBe(0);
    expect(server.imports.restores[0]?.request).toEqual({ from: { jobId: ID }, target: "main" });
    expect(server.imports.files).toEqual([]);
  });

  test("cannot be checked by --dry-run", async () => {
    const { exitCode, stderr } = await restore([ID, "--dry-run"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`durable-export download ${ID}`);
  });

  test("is restored into a file", async () => {
    const { stdout } = await runCli(["start"], server);
    const to = join(folder, "new.sqlite");
    const { exitCode, stderr } = await restore([stdout.trim(), "--to", to]);
    expect(stderr).toContain("1 table, 2 rows, 3 statements");
    expect(exitCode).toBe(0);
    expect(existsSync(to)).toBe(true);
  });
});

describe("--replace", () => {
  /** A terminal at which `answer` is typed. */
  function typed(answer: string): Partial<CliOptions> {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    stdin.write(answer);
    return { stdin, isTerminal: true };
  }

  test("asks for the target's name, naming target and object", async () => {
    const args = [file, "--replace", "--object-name", "acme"];
    const { exitCode, stderr } = await restore(args, typed("main\n"));
    expect(exitCode).toBe(0);
    expect(stderr).toContain('Everything in object "acme" of main');
    expect(server.imports.restores[0]?.request).toMatchObject({ mode: "replace" });
  });

  test.each(["yes\n", "\n", "\u0003"])("changes nothing after the answer %j", async (answer) => {
    const { exitCode, stderr } = await restore([file, "--replace"], typed(answer));
    expect([2, 130]).toContain(exitCode);
    expect(stderr).toContain("nothing was changed");
    expect(server.imports.files).toEqual([]);
  });

  test("needs --yes without a terminal", async () => {
    const refused = await restore([file, "--replace"]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("Add --yes");
    expect(server.imports.files).toEqual([]);
    const args = [file, "--replace", "--yes", "--undo-on-failure"];
    expect((await restore(args)).exitCode).toBe(0);
    expect(server.imports.restores[0]?.request).toMatchObject({ undoOnFailure: true });
  });

  test("reports how to get the former content back", async () => {
    const safetyExport = {
      jobId: "s1",
      status: "completed",
      expiresAt: "2026-11-08T00:00:00.000Z",
    };
    server.imports.options = { ending: { safetyExport } };
    const { stderr } = await restore([file, "--replace", "--yes", "--object-name", "it's"]);
    expect(stderr).toContain("Export s1 keeps the former content until 2026-11-08T00:00:00Z");
    expect(stderr).toContain(
      "durable-export restore s1 --target main --object-name 'it'\\''s' --replace",
    );
  });
});

describe("a failure", () => {
  test("of a statement names file, line, statement and SQL", async () => {
    const place = {
      statement: 3,
      line: 3,
      offset: 160,
      table: "t",
      sql: "INSERT INTO t\nVALUES(2)",
      reason: "UNIQUE constraint failed: t.id",
    };
    const error = { code: "statement-failed", message: "long", hint: "h", place };
    const safetyExport = { jobId: "s1", status: "completed", expiresAt: null };
    server.imports.options = { ending: { status: "failed", error, safetyExport } };
    const { exitCode, stderr } = await restore([file]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      `statement-failed: ${file}:3: statement 3, line 3 (table "t"): UNIQUE constraint failed: t.id: \`INSERT INTO t VALUES(2)\``,
    );
    expect(stderr).toContain("durable-export restore s1");
    // The same command starts another restore of the same upload.
    server.imports.options = {};
    const second = await restore([file]);
    expect(second.exitCode).toBe(0);
    expect(second.stderr).toContain("is already uploaded");
    expect(server.imports.restores).toHaveLength(2);
  });

  test.each([
    ["restore-differs", "table t differs after key 5", "with --replace"],
    ["script-changed", "it changed", "leave the file"],
  ])("%s is reported with a hint for the command line", async (code, message, hint) => {
    const error = { code, message, hint: "POST it" };
    server.imports.options = { ending: { status: "failed", error } };
    const { exitCode, stderr } = await restore([file]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${code}: ${message}`);
    expect(stderr).toContain(hint);
  });

  test("reports the way back once, as a command", async () => {
    const message =
      'table t differs; the former content is in safety export s1: restore it with {"from": {"jobId": "s1"}, "mode": "replace"}';
    const error = { code: "restore-differs", message, hint: "h" };
    const safetyExport = { jobId: "s1", status: "completed", expiresAt: null };
    server.imports.options = { ending: { status: "failed", error, safetyExport } };
    const { stderr } = await restore([file]);
    expect(stderr).toContain("restore-differs: table t differs");
    expect(stderr).not.toContain('"from"');
    expect(stderr).toContain("durable-export restore s1");
  });

  test("of a cancelled restore is its own code", async () => {
    server.imports.options = { ending: { status: "cancelled" } };
    const { exitCode, stdout } = await restore([file, "--json"]);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "restore-cancelled" } });
  });

  test.each([
    ["target-not-writable", 403, "EXPORT_SOURCES"],
    ["target-not-empty", 409, "--replace"],
    ["dump-not-restorable", 422, "--format sql"],
  ])("%s speaks of options, and keeps the upload", async (code, status, hint) => {
    server.intercept("POST /import/dump", (_, response) => {
      sendProblem(response, status, code, "no");
      return true;
    });
    const { exitCode, stderr } = await restore([file]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(hint);
    expect(notes()).toHaveLength(1);
  });
});

test("a Worker without uploads is called too old", async () => {
  server.intercept("POST /import/files", (_, response) => {
    sendProblem(response, 404, "not-found", "there is no route POST /import/files");
    return true;
  });
  const { exitCode, stderr } = await restore([file]);
  expect(exitCode).toBe(3);
  expect(stderr).toContain("cannot restore files: it is too old. Deploy a newer version");
});

describe("refuses before anything is sent", () => {
  /** A database's header with a page size of 0. */
  const DAMAGED_DATABASE = Buffer.from("SQLite format 3\0\0\0\x01\x01\0@  and no page size");

  const BAD: [what: string, content: Buffer, words: string][] = [
    ["an empty file", Buffer.alloc(0), "is empty"],
    [
      "a binary file",
      Buffer.from([1, 0, 2, 3]),
      "byte 1 of the file is NUL, so it is not SQL in UTF-8: the file is binary",
    ],
    ["a truncated gzip", gzipSync(SCRIPT).subarray(0, 60), "the gzip data is damaged"],
    ["a CSV file", Buffer.from("id,name\n1,foo\n"), "no SQL statement begins like this"],
    ["half a statement", SCRIPT.subarray(0, 70), "the script ends within this statement"],
    ["a command of the shell", Buffer.from(".tables\n;"), "sqlite3 shell"],
  ];

  test.each(BAD)("%s", async (_what, content, words) => {
    writeFileSync(file, content);
    for (const args of [[], ["--dry-run"]]) {
      const { exitCode, stderr } = await restore([file, ...args]);
      expect([1, 2]).toContain(exitCode);
      expect(stderr).toContain(words);
    }
    expect(server.imports.files).toEqual([]);
  });

  test("a read-only target before a database is dumped", async () => {
    server.options.readOnlySources = ["main"];
    writeFileSync(file, DAMAGED_DATABASE);
    expect((await restore([file])).stderr).toContain("target-not-writable");
    server.options.readOnlySources = [];
    expect((await restore([file])).stderr).toContain(
      `${file} cannot be dumped: file is not a database`,
    );
  });

  test("no StarbaseDB dump, although it begins like a database", async () => {
    writeFileSync(
      file,
      "SQLite format 3\0\n-- Table: t\nCREATE TABLE t(a);\n\nINSERT INTO t VALUES (1);\n",
    );
    const checked = await restore([file, "--dry-run"]);
    expect(checked.stderr).not.toContain("cannot be dumped");
    expect(checked.exitCode).toBe(0);
    const database = join(folder, "restored.sqlite");
    const restored = await restore([file, "--to", database]);
    expect(restored.stderr).not.toContain("cannot be dumped");
    expect(restored.exitCode).toBe(0);
    const db = new DatabaseSync(database);
    expect(db.prepare("SELECT a FROM t").all()).toEqual([{ a: 1 }]);
    db.close();
  });

  test("a missing file and a folder", async () => {
    const missing = await restore([join(folder, "none.sql")]);
    expect(missing).toMatchObject({ exitCode: 1, stdout: "" });
    expect(missing.stderr).toContain("there is no such file or folder");
    mkdirSync(join(folder, "dir"));
    expect((await restore([join(folder, "dir")])).stderr).toContain("it is a folder");
    expect(server.requests).toEqual([]);
  });

  test("an empty and a broken pipe", async () => {
    expect((await restore(["-"])).stderr).toContain("standard input is empty");
    const stdin = new Readable({
      read() {
        this.destroy(Object.assign(new Error("read"), { code: "EPIPE" }));
      },
    });
    const { exitCode, stderr } = await restore(["-"], { stdin });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("standard input: the reader is gone");
  });

  test("a terminal as standard input", async () => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    const { exitCode, stderr } = await restore(["-"], { stdin });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("standard input is a terminal");
  });

  test("an unknown target, a read-only one, and a wrong token", async () => {
    const unknown = await restore([file, "--target", "shop"]);
    expect(unknown.exitCode).toBe(3);
    expect(unknown.stderr).toContain("The sources are: main. Choose one with --target.");
    server.options.readOnlySources = ["main"];
    const readOnly = await restore([file]);
    expect(readOnly.exitCode).toBe(3);
    expect(readOnly.stderr).toContain("target-not-writable");
    const token = await restore([file], { token: "wrong-token-0123456789" });
    expect(token.exitCode).toBe(3);
    expect(token.stderr).toContain("unauthorized");
    expect(server.imports.files).toEqual([]);
  });

  test.each([
    [["--undo-on-failure"], "needs --replace"],
    [["--to", "x.db", "--target", "main"], "--target is for a restore into the Worker"],
    [["--dry-run", "--replace"], "--replace is for"],
    [["--dry-run", "--to", "x.db"], "cannot be combined"],
    [["--to", ""], "--to needs the name"],
  ])("the options %j", async (args, words) => {
    const { exitCode, stderr } = await restore([file, ...args]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(words);
  });

  test("a call that names nothing", async () => {
    const { exitCode, stderr } = await restore(["--target", "copy"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("nothing to restore is named");
  });
});

describe("other commands take the id of a restore", () => {
  async function startRestore(looks: number): Promise<string> {
    server.imports.options = { looks };
    await restore([file], looks === 0 ? {} : interruptAt("started"));
    return server.imports.restores[0]?.jobId ?? "";
  }

  test("status shows it", async () => {
    const { stdout, exitCode } = await runCli(["status", await startRestore(3)], server);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^restore +[\da-f-]{36}\nstatus +running \(40%\)\nphase /);
  });

  test("wait follows it to its end", async () => {
    const jobId = await startRestore(5);
    const { exitCode, stderr } = await runCli(["wait", jobId], server);
    expect(exitCode).toBe(0);
    expect(stderr).toContain("verified: row counts equal");
  });

  test("delete refuses a running one, cancel ends it, delete removes it", async () => {
    const jobId = await startRestore(1_000);
    const refused = await runCli(["delete", jobId, "--json"], server);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "restore-running" } });
    expect((await runCli(["cancel", jobId], server)).stderr).toBe(`restore ${jobId} is cancelled`);
    // A restore that ends between the look and this call is not deleted.
    expect(server.requestsTo("DELETE")[0]?.path).toMatch(/\?only=cancel$/);
    expect((await runCli(["delete", jobId], server)).stderr).toBe(`restore ${jobId} is deleted`);
    expect((await runCli(["status", jobId], server)).stderr).toContain("job-not-found");
  });

  test("list --restores lists them", async () => {
    const jobId = await startRestore(0);
    const { stdout } = await runCli(["list", "--restores"], server);
    expect(stdout).toContain(`${jobId}  completed  created `);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect((await runCli(["list"], server)).stdout).toBe("no jobs\n");
  });
});

test("an uploaded file keeps its SHA-256", async () => {
  await restore([file]);
  expect(server.imports.files[0]?.announced).toEqual({
    bytes: SCRIPT.length,
    sha256: sha256Of(SCRIPT),
  });
});
