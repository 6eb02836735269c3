import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { resumePathOf } from "./resume-record.ts";
import { FakeExportServer, sendProblem, sha256Of } from "../test/support/fake-export-server.ts";
import { runCli } from "../test/support/run-cli.ts";

const DUMP = Buffer.from("INSERT INTO t VALUES(1),(2),(3);\n".repeat(40_000));

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
  // Of a dump into the folder itself that did not come to its end.
  rmSync(resumePathOf(folder), { force: true });
});

/** Sends the first `bytes` of the whole, as if all would come, and cuts the line. */
function cutAfter(bytes: number): (request: unknown, response: ServerResponse) => boolean {
  return (_request, response) => {
    response.writeHead(200, { "content-length": DUMP.length, etag: `"${sha256Of(DUMP)}"` });
    response.write(DUMP.subarray(0, bytes), () => response.destroy());
    return true;
  };
}

test("brings the whole file, its manifest, and nothing else", async () => {
  const result = await runCli(["dump", "-o", output], server);
  expect(result).toMatchObject({ exitCode: 0, stdout: "" });
  expect(result.stderr).toContain("verified");
  expect(readFileSync(output).equals(DUMP)).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(["backup.sql", "backup.sql.manifest.json"]);
});

test("goes on behind the last byte where the connection is cut, and says that the file must be the same", async () => {
  server.intercept("/download/", cutAfter(100_000));
  const result = await runCli(["dump", "-o", output], server);
  expect(result.exitCode).toBe(0);
  expect(readFileSync(output).equals(DUMP)).toBe(true);
  const [, second] = server.requestsTo("/download/");
  expect(second?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  expect(second?.headers["if-range"]).toBe(`"${sha256Of(DUMP)}"`);
  expect(second?.headers["accept-encoding"]).toMatch(/^identity/);
});

test("sends standard output the rest of a file whose connection was cut", async () => {
  server.intercept("/download/", cutAfter(100_000));
  const result = await runCli(["dump", "-o", "-"], server);
  expect(result.exitCode).toBe(0);
  expect(result.stdout).toBe(DUMP.toString());
});

test("keeps what came before the tries ran out, and goes on with it in a later run of the same command", async () => {
  server.intercept("/download/", cutAfter(100_000), 1);
  const first = await runCli(["--retries", "0", "dump", "-o", output], server);
  expect(first.exitCode).toBe(3);
  expect(first.stderr).toContain("broke off");
  expect(readdirSync(folder).sort()).toEqual(["backup.sql.part", "backup.sql.part.json"]);
  const second = await runCli(["dump", "-o", output], server);
  expect(second.exitCode).toBe(0);
  expect(second.stderr).toContain("resuming export");
  expect(server.jobs).toHaveLength(1);
  expect(server.requestsTo("/download/").at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  expect(readFileSync(output).equals(DUMP)).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(["backup.sql", "backup.sql.manifest.json"]);
});

test("starts a new export where --fresh asks for one", async () => {
  server.intercept("/download/", cutAfter(100_000));
  await runCli(["--retries", "0", "dump", "-o", output], server);
  const result = await runCli(["dump", "--fresh", "-o", output], server);
  expect(result.exitCode).toBe(0);
  expect(server.jobs).toHaveLength(2);
});

test.each([
  ["another request", { request: { compression: "gzip" } }],
  ["another Worker", { url: "https://other.example" }],
  ["a note of yesterday", { startedAt: "2026-01-01T00:00:00.000Z" }],
])("does not go on with %s", async (_what, change) => {
  const path = `${output}.part.json`;
  server.intercept("/download/", cutAfter(100_000));
  await runCli(["--retries", "0", "dump", "-o", output], server);
  const note = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...note, ...change }));
  expect((await runCli(["dump", "-o", output], server)).exitCode).toBe(0);
  expect(server.jobs).toHaveLength(2);
});

test("throws a partial file away whose bytes are another file's", async () => {
  writeFileSync(`${output}.part`, "x".repeat(5_000));
  const result = await runCli(["dump", "-o", output], server);
  expect(result.exitCode).toBe(0);
  expect(readFileSync(output).equals(DUMP)).toBe(true);
});

test("throws a partial file away that is longer than the file", async () => {
  writeFileSync(`${output}.part`, Buffer.concat([DUMP, DUMP]));
  expect((await runCli(["dump", "-o", output], server)).exitCode).toBe(0);
  expect(readFileSync(output).equals(DUMP)).toBe(true);
});

test("takes the whole from a server that ignores Range", async () => {
  writeFileSync(`${output}.part`, DUMP.subarray(0, 5_000));
  server.intercept("/download/", (_request, response) => {
    response.writeHead(200, { "content-length": DUMP.length });
    response.end(DUMP);
    return true;
  });
  expect((await runCli(["dump", "-o", output], server)).exitCode).toBe(0);
  expect(readFileSync(output).equals(DUMP)).toBe(true);
});

test("refuses a part that begins elsewhere than asked", async () => {
  writeFileSync(`${output}.part`, DUMP.subarray(0, 5_000));
  server.intercept("/download/", (_request, response) => {
    response.writeHead(206, { "content-range": `bytes 6000-${DUMP.length - 1}/${DUMP.length}` });
    response.end(DUMP.subarray(6_000));
    return true;
  });
  const result = await runCli(["dump", "-o", output], server);
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain("requested bytes from 5000");
});

test("publishes no file whose SHA-256 is wrong, and keeps the one that was there", async () => {
  writeFileSync(output, "last night's");
  server.intercept("/download/", (_request, response) => {
    response.end(Buffer.concat([DUMP.subarray(0, -1), Buffer.from("!")]));
    return true;
  });
  const result = await runCli(["dump", "-o", output], server);
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toMatch(/do not match the manifest's SHA-256/);
  expect(readFileSync(output, "utf8")).toBe("last night's");
  expect(readdirSync(folder)).not.toContain("backup.sql.part");
});

test("fails where standard output was sent wrong bytes", async () => {
  server.intercept("/download/", (_request, response) => {
    response.end(Buffer.alloc(DUMP.length, "x"));
    return true;
  });
  const result = await runCli(["dump", "-o", "-"], server);
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain("SHA-256");
});

test("fails where more bytes come than the manifest has", async () => {
  server.intercept("/download/", (_request, response) => {
    response.end(Buffer.concat([DUMP, DUMP]));
    return true;
  });
  const result = await runCli(["dump", "-o", output], server);
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain("contains more than");
});

test.each([503, 500, 429])(
  "tries again after a %d, as soon as Retry-After says",
  async (status) => {
    for (const path of ["POST /export/dump", "GET /export/dump/", "/manifest", "/download/"]) {
      server.intercept(path, (_request, response) => {
        sendProblem(response, status, "internal-error", "not now", { "retry-after": "0" });
        return true;
      });
    }
    const result = await runCli(["dump", "-o", output], server);
    expect(result.exitCode).toBe(0);
    expect(server.jobs).toHaveLength(1);
    const keys = server.requestsTo("POST ").map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toEqual([keys[0], keys[0]]);
  },
);

test("tries again where the connection is reset before the answer", async () => {
  server.intercept("POST /export/dump", (request) => {
    request.socket.destroy();
    return true;
  });
  expect((await runCli(["dump", "-o", output], server)).exitCode).toBe(0);
});

test("gives up after --retries, in one line and with exit code 3", async () => {
  server.intercept(
    "GET /export/jobs",
    (_request, response) => {
      sendProblem(response, 503, "storage-unavailable", "not now", { "retry-after": "0" });
      return true;
    },
    9,
  );
  const result = await runCli(["--retries", "2", "--quiet", "list"], server);
  expect(result.exitCode).toBe(3);
  expect(result.stderr).toBe("durable-export: storage-unavailable: not now. A hint.");
  expect(server.requestsTo("/export/jobs")).toHaveLength(3);
});

test.each([
  [503, "configuration-invalid", "binding EXPORT_JOBS is missing"],
  [507, "inline-storage-full", "there is no room"],
])("does not repeat what a Worker refuses for good: %i %s", async (status, code, detail) => {
  server.intercept("GET /export/jobs", (_request, response) => {
    sendProblem(response, status, code, detail);
    return true;
  });
  const result = await runCli(["list"], server);
  expect(result.exitCode).toBe(3);
  expect(server.requests).toHaveLength(1);
});

test("sends the token nowhere else, and says where the Worker wants to lead", async () => {
  const other = await FakeExportServer.start({ artifacts: {} });
  const { url } = other;
  server.intercept("POST /export/dump", (_request, response) => {
    response.writeHead(307, { location: `${url}/export/dump` }).end();
    return true;
  });
  const result = await runCli(["dump", "-o", output], server);
  await other.stop();
  expect(result.exitCode).toBe(3);
  expect(result.stderr).toContain(`redirects to ${url}`);
  expect(other.requests).toEqual([]);
});

test("follows a download's redirect to another host, without the token", async () => {
  const bucket = await FakeExportServer.start({ artifacts: {} });
  bucket.intercept("/signed", (_request, response) => {
    response.end(DUMP);
    return true;
  });
  server.intercept("/download/", (_request, response) => {
    response.writeHead(302, { location: `${bucket.url}/signed` }).end();
    return true;
  });
  const result = await runCli(["dump", "-o", output], server);
  await bucket.stop();
  expect(result.exitCode).toBe(0);
  expect(bucket.requests[0]?.headers.authorization).toBeUndefined();
});

test("knows an answer that is no Durable Export Worker's", async () => {
  server.intercept("GET /export/jobs", (_request, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<html><title>Sign in</title>");
    return true;
  });
  const result = await runCli(["list"], server);
  expect(result.exitCode).toBe(3);
  expect(result.stderr).toContain("does not answer like a Durable Export Worker");
});

test("goes to a host by the URL it was given, never by an answer's link", async () => {
  const result = await runCli(["dump", "-o", output], { url: `${server.url}/` });
  expect(result.exitCode).toBe(0);
  expect(server.requests.every(({ path }) => path.startsWith("/export/"))).toBe(true);
});

test("goes on with a ZIP that was cut, within a run and in a later one, behind the last byte", async () => {
  await server.stop();
  server = await FakeExportServer.start({
    artifacts: { "a.csv": DUMP, "b.csv": Buffer.from("2\n") },
  });
  const zip = join(folder, "all.zip");
  const cut = (request: IncomingMessage, response: ServerResponse): boolean => {
    // The first request asks for the ZIP's length alone.
    if (request.headers.range === "bytes=0-0") return false;
    const whole = server.zipOf(server.jobs[0] as { jobId: string });
    response.writeHead(200, { "content-length": whole.length, etag: `"${sha256Of(whole)}"` });
    response.write(whole.subarray(0, 100_000), () => response.destroy());
    return true;
  };
  server.intercept("/download", cut, 2);
  const first = await runCli(["--retries", "0", "dump", "-o", zip], server);
  expect(first.exitCode).toBe(3);
  expect(readdirSync(folder).sort()).toEqual(["all.zip.part", "all.zip.part.json"]);
  const second = await runCli(["dump", "-o", zip], server);
  expect(second.exitCode).toBe(0);
  expect(server.jobs).toHaveLength(1);
  expect(server.requestsTo("/download").at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  const whole = server.zipOf(server.jobs[0] as { jobId: string });
  expect(readFileSync(zip).equals(whole)).toBe(true);
  server.intercept("/download", cut, 2);
  const streamed = await runCli(["download", server.jobs[0]?.jobId ?? "", "-o", "-"], server);
  expect(streamed.exitCode).toBe(0);
  expect(streamed.stdoutBytes.equals(whole)).toBe(true);
});

test("begins a ZIP anew where what is there is the beginning of another job's, with the same files", async () => {
  await server.stop();
  server = await FakeExportServer.start({
    artifacts: { "a.csv": DUMP, "b.csv": Buffer.from("2\n") },
  });
  const zip = join(folder, "all.zip");
  await runCli(["dump", "-o", zip], server);
  writeFileSync(`${zip}.part`, readFileSync(zip).subarray(0, 100_000));
  rmSync(zip);
  const result = await runCli(["dump", "-o", zip], server);
  expect(result.exitCode).toBe(0);
  expect(result.stderr).toContain("resuming at");
  const [first, second] = server.jobs.map((job) => server.zipOf(job));
  expect(first?.length).toBe(second?.length);
  expect(readFileSync(zip).equals(second ?? Buffer.alloc(0))).toBe(true);
});
