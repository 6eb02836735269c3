import { beforeAll, beforeEach, afterAll, describe, expect, test } from "vitest";
import { env } from "cloudflare:test";

import type { JobView } from "../../src/api/job-view.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { d1Source } from "../../src/databases/d1/d1-source.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import { api, emptyDatabase, ended, query, startExport } from "../support/api.ts";

const vars = env as unknown as Record<string, string>;

const WARNINGS = [
  'table "large" has rows that break CONSTRAINT "positive" CHECK (n > 0): they load only if CHECK is ignored',
  'table "small" has rows that break CHECK (state IN ("new", "done")): they load only if CHECK is ignored',
];

beforeEach(async () => {
  await emptyDatabase();
  await query(
    "PRAGMA ignore_check_constraints = ON",
    "CREATE TABLE large(id INTEGER PRIMARY KEY, n INT, x, CONSTRAINT positive CHECK (n > 0), CHECK (x <> 5))",
    "INSERT INTO large WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i, i, hex(zeroblob(300)) FROM n",
    "UPDATE large SET n = -n WHERE id IN (5, 1500, 2999)",
    'CREATE TABLE small(state TEXT CHECK (state IN ("new", "done")))',
    "INSERT INTO small VALUES ('new'), ('old')",
    "CREATE TABLE fine(n CHECK (n > 0))",
    "INSERT INTO fine VALUES (1)",
    "PRAGMA ignore_check_constraints = OFF",
  );
});

/** Without the warning that SQL in double quotes has of its own. */
const checkWarnings = (warnings: readonly string[]): string[] =>
  warnings.filter((warning) => !warning.includes("dqs_ddl")).sort();

describe("rows that break a CHECK", () => {
  test.each(["snapshot", "live"] as const)(
    "are in a job's view and manifest, once for each constraint (%s)",
    async (consistency) => {
      const view: JobView = await ended((await startExport({ consistency })).jobId);
      expect(view).toMatchObject({ status: "completed", error: null });
      expect(checkWarnings(view.warnings)).toEqual(WARNINGS);
      const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
      expect(checkWarnings(manifest.warnings)).toEqual(WARNINGS);
    },
  );

  test("are no warning of a job that writes CSV", async () => {
    const view = await ended((await startExport({ format: "csv" })).jobId);
    expect(view).toMatchObject({ status: "completed", warnings: [] });
  });

  test("are found in D1, which can also run without checks", async () => {
    const { SHOP_DB: shop } = env as unknown as { SHOP_DB: D1Database };
    await shop.exec("DROP TABLE IF EXISTS checked");
    const statements = [
      "CREATE TABLE checked(a TEXT, b INT CHECK (b > 0), PRIMARY KEY (a, b)) WITHOUT ROWID",
      "PRAGMA ignore_check_constraints = ON",
      "INSERT INTO checked VALUES ('x', 1), ('x', -1)",
      "PRAGMA ignore_check_constraints = OFF",
    ];
    await shop.batch(statements.map((sql) => shop.prepare(sql)));
    const dump = await dumpDatabase(d1Source(shop, "shop"), undefined, {
      tables: { include: ["checked"] },
    });
    expect(dump.warnings).toEqual([
      'table "checked" has rows that break CHECK (b > 0): they load only if CHECK is ignored',
    ]);
    const { results } = await shop.prepare("PRAGMA quick_check('checked')").all();
    expect(results).toEqual([{ quick_check: "CHECK constraint failed in checked" }]);
    await shop.exec("DROP TABLE checked");
  });

  describe("of a small database", () => {
    beforeAll(() => {
      vars["EXPORT_ONE_TURN_BYTES"] = "4194304";
    });
    afterAll(() => {
      vars["EXPORT_ONE_TURN_BYTES"] = "0";
    });

    test("are in the view of a job that reads it in one turn", async () => {
      const view = await ended((await startExport()).jobId);
      expect(view.usage.rowsWritten).toBe(0);
      expect(checkWarnings(view.warnings)).toEqual(WARNINGS);
    });

    test("are in the header of a stream that is read in one turn", async () => {
      await query("DELETE FROM large WHERE id > 1000");
      const response = await api("/export/dump?format=sql");
      await response.arrayBuffer();
      const warnings = JSON.parse(response.headers.get("export-warnings") ?? "[]") as string[];
      expect(checkWarnings(warnings)).toEqual(WARNINGS);
    });
  });
});
