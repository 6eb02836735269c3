import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import {
  FakeExportServer,
  sendJson,
  sendProblem,
  sha256Of,
} from "../../test/support/fake-export-server.ts";
import { runCli } from "../../test/support/run-cli.ts";

const FLEET_ID = "0b1f2c3d-0000-4000-8000-000000000001";
const FILE = Buffer.from("CREATE TABLE t(a);\nINSERT INTO t VALUES(1);\n");

const FLEET = {
  kind: "fleet",
  fleetId: FLEET_ID,
  status: "completed",
  queuePosition: null,
  source: "tenants",
  compression: "none",
  createdAt: "2026-11-28T03:17:00.000Z",
  startedAt: "2026-11-28T03:17:00.000Z",
  completedAt: "2026-11-28T03:17:12.000Z",
  expiresAt: null,
  members: { total: 4, packed: 2, exported: 0, empty: 1, failed: 1, pending: 0 },
  progress: { percent: 100, rows: 20, bytes: 2_000 },
  copies: [{ destination: "offsite", state: "copied", folder: "tenants/2026/", bytes: 2_000 }],
  masked: [{ table: "users", column: "email", kind: "null" }],
  packs: [],
  failures: [{ member: "bad", code: "source-unavailable", message: "the object was reset" }],
  warnings: [],
  error: null,
};

let server: FakeExportServer;
let folder: string;

beforeEach(async () => {
  server = await FakeExportServer.start({ artifacts: { "dump.sql": FILE } });
  folder = mkdtempSync(join(tmpdir(), "cli-fleet-"));
});

afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

function answer(call: string, status: number, body: unknown): void {
  server.intercept(
    call,
    (_, response) => {
      sendJson(response, status, body);
      return true;
    },
    Infinity,
  );
}

/** Sends `FILE`, or the range of it that is requested. */
function sendFile(request: IncomingMessage, response: ServerResponse): boolean {
  const [, from = "", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  const headers = {
    etag: `"${sha256Of(FILE)}"`,
    "content-disposition": `attachment; filename="tenants-acme-20261128T031700Z.sql"`,
  };
  if (from === "") {
    response.writeHead(200, headers).end(FILE);
    return true;
  }
  const end = to === "" ? FILE.length - 1 : Number(to);
  response
    .writeHead(206, { ...headers, "content-range": `bytes ${from}-${end}/${FILE.length}` })
    .end(FILE.subarray(Number(from), end + 1));
  return true;
}

describe("fleet dump", () => {
  test("sends the options as the contract names them, and reports the failures", async () => {
    answer("POST /export/fleet", 202, { ...FLEET, status: "running" });
    answer(`GET /export/fleet/${FLEET_ID}`, 200, FLEET);
    const flags =
      "--source tenants --object-name acme --object-name b --compression gzip --consistency live --content all --table t* --exclude c --mask users.email=null --copy-to offsite --copy-required --encrypt copies --callback-url https://e.example/x --retention-hours 5 --fail-if-any";
    const result = await runCli(["fleet", "dump", ...flags.split(" ")], server);
    expect(result.exitCode, result.stderr).toBe(0);
    const [started] = server.requestsTo("POST /export/fleet");
    expect(started?.headers["idempotency-key"]).toEqual(expect.any(String));
    expect(JSON.parse(started?.body ?? "")).toEqual({
      source: "tenants",
      names: ["acme", "b"],
      compression: "gzip",
      consistency: "live",
      content: "all",
      tables: { include: ["t*"], exclude: ["c"] },
      mask: { users: { email: "null" } },
      copyTo: ["offsite"],
      copyRequired: true,
      encrypt: "copies",
      callbackUrl: "https://e.example/x",
      retentionHours: 5,
      failIfAny: true,
    });
    expect(result.stderr).toContain(
      'object "bad" failed: source-unavailable: the object was reset',
    );
    expect(result.stderr).toContain("masked: users.email (null)");
    expect(result.stdout + result.stderr).toContain("2 objects, 1 empty, 1 failed");
  });

  test("sends a series with the policy that keeps it", async () => {
    answer("POST /export/fleet", 202, FLEET);
    answer(`GET /export/fleet/${FLEET_ID}`, 200, FLEET);
    const series = ["--series", "nightly", "--keep", "last=3,daily=7"];
    await runCli(["fleet", "dump", ...series], server);
    const [started] = server.requestsTo("POST /export/fleet");
    expect(JSON.parse(started?.body ?? "")).toEqual({
      series: "nightly",
      retention: { keepLast: 3, keepDaily: 7 },
    });
  });

  test("reads the names from a file, one per line", async () => {
    answer("POST /export/fleet", 202, FLEET);
    answer(`GET /export/fleet/${FLEET_ID}`, 200, FLEET);
    const path = join(folder, "names.txt");
    writeFileSync(path, "acme\r\n\nb c\n");
    await runCli(["fleet", "dump", "--names-file", path], server);
    const [started] = server.requestsTo("POST /export/fleet");
    expect(JSON.parse(started?.body ?? "")).toEqual({ names: ["acme", "b c"] });
    const both = await runCli(
      ["fleet", "dump", "--names-file", path, "--object-name", "acme"],
      server,
    );
    expect(both.exitCode).toBe(2);
  });

  test("fails with the fleet's own error", async () => {
    answer("POST /export/fleet", 202, FLEET);
    const error = { code: "fleet-members-failed", message: "4 of 4 objects", hint: "Look." };
    answer(`GET /export/fleet/${FLEET_ID}`, 200, { ...FLEET, status: "failed", error });
    const result = await runCli(["fleet", "dump"], server);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("fleet-members-failed: 4 of 4 objects");
  });

  test("says that a Worker is too old for fleets", async () => {
    server.intercept("POST /export/fleet", (_, response) => {
      sendProblem(response, 404, "not-found", "there is no route");
      return true;
    });
    const result = await runCli(["fleet", "dump"], server);
    expect(result.stderr).toContain("cannot back up fleets: it is too old");
  });
});

describe("fleet download", () => {
  test("writes a verified file under the Worker's name for it", async () => {
    server.intercept(`GET /export/fleet/${FLEET_ID}/download`, sendFile, Infinity);
    const output = `${folder}/`;
    const result = await runCli(
      ["fleet", "download", FLEET_ID, "--object-name", "a&b", "-o", output],
      server,
    );
    expect(result.exitCode, result.stderr).toBe(0);
    const path = join(folder, "tenants-acme-20261128T031700Z.sql");
    expect(readFileSync(path).equals(FILE)).toBe(true);
    expect(server.requestsTo("/download")[0]?.path).toContain("?name=a%26b");
  });

  test("writes to standard output", async () => {
    server.intercept(`GET /export/fleet/${FLEET_ID}/download`, sendFile, Infinity);
    const args = ["fleet", "download", FLEET_ID, "--object-name", "acme", "-o", "-"];
    const result = await runCli(args, server);
    expect(result.stdoutBytes.equals(FILE)).toBe(true);
  });

  test("makes an SQLite file if the output's name says so", async () => {
    server.intercept(`GET /export/fleet/${FLEET_ID}/download`, sendFile, Infinity);
    answer(`GET /export/fleet/${FLEET_ID}`, 200, FLEET);
    const path = join(folder, "acme.sqlite");
    const args = ["fleet", "download", FLEET_ID, "--object-name", "acme", "-o", path];
    const result = await runCli(args, server);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stdout + result.stderr).toMatch(
      /acme\.sqlite: [\d.]+ kB, SQLite's integrity check passed/,
    );
    expect(readdirSync(folder)).toEqual(["acme.sqlite"]);
    const db = new DatabaseSync(path);
    expect(db.prepare("SELECT a, typeof(a) AS type FROM t").all()).toEqual([
      { a: 1, type: "integer" },
    ]);
    db.close();
  });

  test("refuses an SQLite file of a fleet without schemas, before it downloads", async () => {
    server.intercept(`GET /export/fleet/${FLEET_ID}/download`, sendFile, Infinity);
    answer(`GET /export/fleet/${FLEET_ID}`, 200, { ...FLEET, content: "data" });
    const path = join(folder, "acme.sqlite");
    const args = ["fleet", "download", FLEET_ID, "--object-name", "acme", "-o", path];
    const result = await runCli(args, server);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("contains only data");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("needs exactly one object", async () => {
    const result = await runCli(["fleet", "download", FLEET_ID], server);
    expect(result.exitCode).toBe(2);
  });
});

test("fleet status, list and members print what the Worker reports", async () => {
  const members = [
    { member: "acme", status: "packed", bytes: 44, rows: 1, jobId: null, error: null },
    {
      member: "bad",
      status: "failed",
      bytes: null,
      rows: null,
      jobId: null,
      error: { code: "source-unavailable", message: "the object was reset" },
    },
  ];
  answer(`GET /export/fleet/${FLEET_ID}/members`, 200, { members, cursor: null });
  answer(`GET /export/fleet/${FLEET_ID}`, 200, FLEET);
  answer("GET /export/fleets", 200, { fleets: [FLEET], cursor: null });
  const status = await runCli(["fleet", "status", FLEET_ID], server);
  expect(status.stdout).toContain("failed      1");
  expect(status.stdout).toContain("copy        offsite copied (2.00 kB, tenants/2026/)");
  expect(status.stdout).toContain("masked      users.email (null)");
  const list = await runCli(["fleet", "list", "--status", "completed"], server);
  expect(list.stdout).toContain(FLEET_ID);
  const found = await runCli(["fleet", "members", FLEET_ID, "--prefix", "a b"], server);
  expect(found.stdout).toContain('packed    "acme"  1 row, 44 B');
  expect(found.stdout).toContain('failed    "bad"  source-unavailable: the object was reset');
  expect(server.requestsTo("/members")[0]?.path).toContain("prefix=a%20b");
});

test("fleet list --series shows which rule keeps each fleet", async () => {
  const policy = { keepLast: 1, keepDaily: 7 };
  const keptBy = [{ rule: "keepDaily", period: "2026-11-28" }];
  const retention = { series: "nightly", policy, keptBy };
  const fleets = [
    { ...FLEET, retention },
    { ...FLEET, retention: null },
  ];
  answer("GET /export/fleets", 200, { fleets, cursor: null });
  const list = await runCli(["fleet", "list", "--series"], server);
  expect(list.stdout).toBe(
    `tenants, series nightly: keepLast 1, keepDaily 7\n  ${FLEET_ID}  2026-11-28T03:17:00Z  keepDaily 2026-11-28\n`,
  );
  expect(server.requestsTo("/export/fleets")[0]?.path).toContain("status=completed");
  const other = await runCli(["fleet", "list", "--series", "hourly"], server);
  expect(other.stdout).toBe("no series\n");
  const json = await runCli(["fleet", "list", "--series", "--json"], server);
  expect(JSON.parse(json.stdout)).toMatchObject({
    series: [{ source: "tenants", series: "nightly", policy, fleets: [{ fleetId: FLEET_ID }] }],
  });
  const both = await runCli(["fleet", "list", "--series", "--status", "failed"], server);
  expect(both.exitCode).toBe(2);
});

describe("restore --fleet", () => {
  test.each([
    ["the object of the same name", ["--object-name", "acme"], { name: "acme" }, { name: "acme" }],
    [
      "another object",
      ["--member", "acme", "--object-name", "copy"],
      { name: "acme" },
      { name: "copy" },
    ],
  ])("restores a member into %s", async (_, args, member, target) => {
    answer("GET /export/sources", 200, {
      version: "1.0.0",
      storage: "r2",
      sources: [{ name: "tenants", type: "durable-object", writable: true }],
    });
    server.intercept("POST /import/dump", (_, response) => {
      sendProblem(response, 409, "target-not-empty", "the test ends here");
      return true;
    });
    await runCli(["restore", "--fleet", FLEET_ID, "--target", "tenants", ...args], server);
    const [started] = server.requestsTo("POST /import/dump");
    expect(JSON.parse(started?.body ?? "")).toEqual({
      from: { fleetId: FLEET_ID, ...member },
      target: "tenants",
      ...target,
    });
  });

  test.each([
    [["restore", "--fleet", FLEET_ID]],
    [["restore", "dump.sql", "--fleet", FLEET_ID, "--object-name", "acme"]],
    [["restore", "--fleet", FLEET_ID, "--object-name", "acme", "--to", "x.sqlite"]],
    [["restore", "dump.sql", "--member", "acme"]],
  ])("refuses %j", async (args) => {
    expect((await runCli(args, server)).exitCode).toBe(2);
  });
});
