import { env, introspectWorkflow, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";

import { parseSchema, SCHEMA_QUERY } from "../../src/sqlite/parse-catalog.ts";
import { api, download, emptyDatabase, ended, query, startExport } from "../support/api.ts";

beforeEach(emptyDatabase);

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Names that something on a job's way could refuse, beside the ordinary ones. */
const NAMES = [
  "tab\there",
  "line\nfeed",
  "carriage\r\nreturn",
  "\u001b[31mred",
  "\u0001",
  "\u007f",
  "\u0085",
  "\u2028",
  "\u202eleft",
  "\ufeff",
  "back\\slash",
  "a/b",
  "a:b",
  ".",
  "..",
  "",
  " ",
  "ends in a dot.",
  "ends in a space ",
  "CON",
  "nul.txt",
  "users",
  "Users!",
  "\u{1f98b}".repeat(80),
];

describe("an export job of tables with odd names", () => {
  test.each(["snapshot", "live"] as const)("completes as SQL (%s)", async (consistency) => {
    for (const name of NAMES) {
      await query(
        `CREATE TABLE ${quoted(name)}(a)`,
        `INSERT INTO ${quoted(name)} VALUES ('of it')`,
      );
    }
    const view = await ended((await startExport({ consistency })).jobId);
    expect([view.status, view.error, view.warnings]).toEqual(["completed", null, []]);
    const text = new TextDecoder().decode(await download(view.jobId));
    for (const name of NAMES) expect(text).toContain(`INSERT INTO ${quoted(name)}(`);
  });

  test.each(["csv", "json"] as const)(
    "completes as %s, with names for every file",
    async (format) => {
      for (const name of NAMES) {
        await query(
          `CREATE TABLE ${quoted(name)}(a)`,
          `INSERT INTO ${quoted(name)} VALUES ('of it')`,
        );
      }
      const view = await ended((await startExport({ format })).jobId);
      expect([view.status, view.error]).toEqual(["completed", null]);
      const files = view.artifacts.map(({ name }) => name);
      expect(new Set(files.map((name) => name.toLowerCase())).size).toBe(NAMES.length);
      for (const name of files)
        expect(name).toMatch(/^(?!con\.|nul\.)[A-Za-z0-9_~%-][A-Za-z0-9_.~%-]*$/i);
    },
  );

  test("shows control characters in its steps' names as escapes", async () => {
    await query('CREATE TABLE "a\t\u001b"(a)', 'INSERT INTO "a\t\u001b" VALUES (1)');
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    const view = await ended((await startExport()).jobId);
    expect(view).toMatchObject({ status: "completed", tables: [{ name: "a\t\u001b", rows: 1 }] });
    const [instance] = await workflows.get();
    expect(await instance?.waitForStepResult({ name: "export a\\t\\u001b 1" })).toMatchObject({
      table: "a\t\u001b",
    });
  });
});

test.each([".", "..", "", "a/b", "a\\b", "a:b", "\t\u001b", "CON", "ends in a dot."])(
  "a table named %j is streamed if it is included by its name",
  async (name) => {
    await query("CREATE TABLE other(a)", `CREATE TABLE ${quoted(name)}(a)`);
    await query(`INSERT INTO ${quoted(name)} VALUES (7)`);
    for (const format of ["csv", "json", "ndjson"]) {
      const path = `/export/dump?format=${format}&content=data&include=${encodeURIComponent(name)}`;
      const response = await api(path);
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("7")]);
    }
    const { jobId } = await startExport({ format: "csv", tables: { include: [name] } });
    expect((await ended(jobId)).artifacts).toHaveLength(1);
    expect(new TextDecoder().decode(await download(jobId))).toBe('"a"\r\n7\r\n');
  },
);

test("nothing that the jobs database contains would be in a dump of it", async () => {
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  await api("/export/jobs");
  const rows = await runInDurableObject(jobs, (_, { storage }) => [
    ...storage.sql.exec(SCHEMA_QUERY).raw<(ArrayBuffer | string | number | null)[]>(),
  ]);
  expect(rows.length).toBeGreaterThan(10);
  expect(parseSchema(rows)).toEqual([]);
});
