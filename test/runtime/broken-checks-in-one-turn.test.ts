import { env } from "cloudflare:test";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { api, ended, query, startExport } from "../support/api.ts";
import { CHECK_WARNINGS, checkWarnings, fillBrokenChecks } from "../support/broken-checks.ts";

const vars = env as unknown as Record<string, string>;

// Before the first call: settings are read once.
beforeAll(() => {
  vars["EXPORT_ONE_TURN_BYTES"] = "4194304";
});

afterAll(() => {
  vars["EXPORT_ONE_TURN_BYTES"] = "0";
});

beforeEach(fillBrokenChecks);

describe("rows of a small database that break a CHECK", () => {
  test("are in the view of a job that reads it in one turn", async () => {
    const view = await ended((await startExport()).jobId);
    expect(view.usage.rowsWritten).toBe(0);
    expect(checkWarnings(view.warnings)).toEqual(CHECK_WARNINGS);
  });

  test("are in the header of a stream that is read in one turn", async () => {
    await query("DELETE FROM large WHERE id > 1000");
    const response = await api("/export/dump?format=sql");
    await response.arrayBuffer();
    const warnings = JSON.parse(response.headers.get("export-warnings") ?? "[]") as string[];
    expect(checkWarnings(warnings)).toEqual(CHECK_WARNINGS);
  });
});
