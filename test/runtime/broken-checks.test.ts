import { beforeEach, describe, expect, test } from "vitest";
import { env } from "cloudflare:test";

import type { JobView } from "../../src/api/job-view.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { d1Source } from "../../src/databases/d1/d1-source.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import { api, ended, startExport } from "../support/api.ts";
import { CHECK_WARNINGS, checkWarnings, fillBrokenChecks } from "../support/broken-checks.ts";

beforeEach(fillBrokenChecks);

describe("rows that break a CHECK", () => {
  test.each(["snapshot", "live"] as const)(
    "are in a job's view and manifest, once for each constraint (%s)",
    async (consistency) => {
      const view: JobView = await ended((await startExport({ consistency })).jobId);
      expect(view).toMatchObject({ status: "completed", error: null });
      expect(checkWarnings(view.warnings)).toEqual(CHECK_WARNINGS);
      const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
      expect(checkWarnings(manifest.warnings)).toEqual(CHECK_WARNINGS);
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
      'table "checked" has rows that violate CHECK (b > 0): they load only if CHECK is ignored',
    ]);
    const { results } = await shop.prepare("PRAGMA quick_check('checked')").all();
    expect(results).toEqual([{ quick_check: "CHECK constraint failed in checked" }]);
    await shop.exec("DROP TABLE checked");
  });
});
