import { exports } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeAll, expect, test } from "vitest";

import { api, emptyDatabase, ended, query, startExport } from "../support/api.ts";
import { startUpload } from "../support/uploads.ts";

const TOKEN = "test-admin-token-0123456789";
const READ_TOKEN = "test-read-token-0123456789";
const JOB_TOKEN = "test-job-token-0123456789";
const SECRET_ROW = "the secret of a row";

/** What must be in no answer. */
const LEAKS = [
  TOKEN,
  READ_TOKEN,
  JOB_TOKEN,
  "dGVzdC13ZWJob29r",
  SECRET_ROW,
  "    at ",
  ".ts:",
  "node_modules",
];

let jobId: string;
let fileId: string;

beforeAll(async () => {
  await emptyDatabase();
  await query("CREATE TABLE t(a)", `INSERT INTO t VALUES ('${SECRET_ROW}')`);
  jobId = (await ended((await startExport()).jobId)).jobId;
  ({ fileId } = await startUpload());
});

const nasty = fc.oneof(
  fc.constantFrom(
    "",
    "%",
    "%00",
    "%2e%2e%2f",
    "../..",
    "__proto__",
    "constructor",
    "toString",
    "null",
    "'; DROP TABLE t; --",
    '"',
    "*",
    "a".repeat(3_000),
    "\u202e",
    "9".repeat(400),
    "-1",
    "1e999",
    "NaN",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
);

const part = fc.oneof(
  fc.constantFrom("export", "dump", "jobs", "sources", "query", "health", "openapi.json"),
  fc.constantFrom("download", "manifest", "events", "csv", "json", "dump.sql"),
  fc.constantFrom("JOB", "FILE", "import", "files", "parts", "complete"),
  nasty.map(encodeURIComponent),
  // As it is, where a URL can hold it.
  fc.constantFrom("%", "%zz", "..", ".", "//", "\\", "%C0%80", "%ED%A0%80"),
);

/** Paths that are routes, so that what comes behind them is asked for, and any others. */
const path = fc.oneof(
  fc
    .constantFrom(
      "export/dump",
      "export/dump/JOB",
      "export/dump/JOB/download",
      "export/dump/JOB/download/dump.sql",
      "export/dump/JOB/manifest",
      "export/dump/JOB/manifest.sig",
      "export/dump/JOB/events",
      "export/csv/t",
      "export/json/t",
      "export/jobs",
      "export/sources",
      "export/destinations/probe",
      "import/files",
      "import/files/FILE",
      "import/files/FILE/parts/1",
      "import/files/FILE/complete",
      "query",
      "openapi.json",
      "health",
    )
    .map((route) => route.split("/")),
  fc.array(part, { maxLength: 6 }),
  fc
    .tuple(
      fc.constantFrom(
        "export/dump",
        "export/dump/JOB/download",
        "export/csv",
        "export/json",
        "export",
        "import/files",
        "import/files/FILE/parts",
      ),
      part,
    )
    .map((each) => each),
);

const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(1e308, -0, 2 ** 53, 0.1));

const header = fc.oneof(
  fc.tuple(
    fc.constant("range"),
    fc.oneof(
      fc.constantFrom(
        "bytes=",
        "bytes=-",
        "bytes=0-0,2-3",
        "bytes=9-1",
        "bytes=-0",
        "bytes=99999999999999999999-",
        "bytes=1e3-",
        "items=0-1",
        "bytes=0x1-",
      ),
      fc.tuple(number, number).map(([from, to]) => `bytes=${from}-${to}`),
    ),
  ),
  fc.tuple(
    fc.constantFrom("if-range", "if-none-match", "accept", "accept-encoding", "content-type"),
    fc.constantFrom('"', "*", "W/", '""', "a".repeat(5_000), "text/plain", "gzip;q=NaN", ",,,"),
  ),
  fc.tuple(fc.constant("idempotency-key"), fc.constantFrom("", "k".repeat(256), "\t", "key")),
  fc.tuple(
    fc.constantFrom(
      "last-event-id",
      "content-length",
      "content-sha256",
      "origin",
      "x-forwarded-host",
      "host",
    ),
    fc.constantFrom("", "-1", "1e9", "null", "http://[", "evil.example"),
  ),
  fc.tuple(
    fc.constant("authorization"),
    fc.constantFrom(
      "",
      "Bearer",
      "Bearer ",
      `bearer ${TOKEN}`,
      `Bearer ${TOKEN} `,
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN}x`,
      "Bearer __proto__",
      `Bearer ${"a".repeat(9_000)}`,
      `Bearer ${READ_TOKEN}`,
      `Bearer ${JOB_TOKEN}`,
    ),
  ),
);

const field = fc.constantFrom(
  "source",
  "name",
  "id",
  "format",
  "compression",
  "consistency",
  "tables",
  "content",
  "callbackUrl",
  "retentionHours",
  "sql",
  "params",
  "transaction",
  "bytes",
  "sha256",
  "parts",
  "__proto__",
  "constructor",
);

const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    nasty,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom("include", "exclude", "sql", "__proto__"), nasty),
      tie("value"),
      { maxKeys: 3 },
    ),
  ),
})).value;

const body = fc.oneof(
  fc.constantFrom(
    "{",
    "[]",
    "null",
    '"a"',
    "1e999",
    '{"a":1}{"b":2}',
    '{"source":"main","source":"shop"}',
    `{"tables":${"[".repeat(2_000)}`,
    '{"__proto__":{"source":"shop"}}',
    '{"constructor":{"prototype":{"x":1}}}',
    `{"callbackUrl":"https://user:pass@example.com"}`,
    "\ufeff{}",
    " ".repeat(70_000),
  ),
  fc.dictionary(field, value, { maxKeys: 4 }).map((object) => JSON.stringify(object)),
  fc.uint8Array({ maxLength: 50 }),
);

const request = fc.record({
  method: fc.constantFrom("GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS", "PROPFIND"),
  parts: path,
  query: fc.array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom("status", "limit", "cursor", "x", "__proto__"),
        fc.constantFrom("format", "source", "name", "id", "include", "exclude", "content"),
      ),
      nasty,
    ),
    { maxLength: 3 },
  ),
  headers: fc.array(header, { maxLength: 3 }),
  body: fc.option(body),
});

test.each([
  "'; DROP TABLE t; --",
  '" UNION SELECT sql FROM sqlite_master --',
  "t' OR '1'='1",
  "%",
  "__proto__",
  "t\0",
])("SQL in a pattern stays data: %s", async (pattern) => {
  const view = await ended((await startExport({ tables: { include: [pattern] } })).jobId);
  expect(view).toMatchObject({ status: "failed", error: { code: "table-not-found" } });
  const response = await api("/query", {
    method: "POST",
    body: JSON.stringify({ sql: "SELECT count(*) AS n FROM t" }),
  });
  expect(await response.json()).toEqual({ result: [{ n: 1 }] });
});

const REQUESTS = 3_000;

test(
  `${REQUESTS} malformed requests give no 500, and leak nothing`,
  { timeout: 120_000 },
  async () => {
    const worker = exports.default as unknown as Fetcher;
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(request, async (of) => {
        const ids: Record<string, string> = { JOB: jobId, FILE: fileId };
        const path = of.parts
          .map((each) => (Object.hasOwn(ids, each) ? ids[each] : each))
          .join("/");
        const search = of.query
          .map(([name, text]) => `${name}=${encodeURIComponent(text)}`)
          .join("&");
        const headers = new Headers({ authorization: `Bearer ${TOKEN}` });
        for (const [name, text] of of.headers) {
          try {
            headers.set(name, text);
          } catch {
            // No header that a client could send.
          }
        }
        const hasBody = of.body !== null && of.method !== "GET" && of.method !== "HEAD";
        // What would run SQL, or end the job that the other requests ask for, is not malformed.
        if (of.method === "DELETE" && (path.includes(jobId) || path.includes(fileId))) return;
        const response = await worker.fetch(`https://export.example.com/${path}?${search}`, {
          method: of.method,
          headers,
          redirect: "manual",
          ...(hasBody ? { body: of.body as BodyInit } : {}),
        });
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        expect(response.status).toBeLessThan(500);
        if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) {
          await response.body?.cancel();
          return;
        }
        const text = await response.text();
        if (response.status < 400) {
          // A file that was asked for holds what was exported.
          if (response.headers.has("content-disposition")) return;
        } else if (response.status !== 404 && of.method !== "HEAD") {
          expect(JSON.parse(text)).toMatchObject({ code: expect.stringMatching(/^[a-z-]+$/) });
        }
        for (const leak of LEAKS)
          expect(`${text}${[...response.headers].join()}`).not.toContain(leak);
      }),
      { numRuns: REQUESTS },
    );
    // Otherwise it would have asked for nothing that is there.
    for (const status of [200, 400, 401, 404]) expect(statuses.get(status) ?? 0).toBeGreaterThan(5);
  },
);
