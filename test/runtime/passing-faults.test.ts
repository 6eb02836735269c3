import { env } from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, test } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { runStepBody } from "../../src/workflows/engine/failure.ts";
import { emptyDatabase, ended, query, snapshotObjects, startExport } from "../support/api.ts";
import { disturbDatabase } from "../support/faulty-database.ts";
import { failSteps } from "../support/faulty-steps.ts";

const { SHOP_DB: shop } = env as unknown as { SHOP_DB: D1Database };

let restore = (): void => {};

afterEach(() => restore());

beforeAll(async () => {
  await shop.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  await shop.exec("INSERT INTO t VALUES (1, 'one')");
  await emptyDatabase();
  await query("CREATE TABLE t(id INTEGER PRIMARY KEY, a)", "INSERT INTO t VALUES (1, 'one')");
});

/** A job whose steps are tried again at once. */
async function exported(request: object): Promise<JobView> {
  const steps = failSteps(() => false, "before");
  try {
    return await ended((await startExport(request)).jobId);
  } finally {
    await steps.restore();
  }
}

/** From now on the first calls of D1 that read rows of the table fail by `words`; gives how many came. */
function failReads(times: number, words: string): { calls: number } {
  const prototype = Object.getPrototypeOf(shop) as D1Database;
  const methods = Object.getOwnPropertyDescriptors(prototype);
  const real = Object.create(null, methods) as D1Database;
  const counted = { calls: 0 };
  let isRow = false;
  prototype.prepare = function (this: D1Database, sql) {
    isRow = sql.includes('FROM "t"');
    return real.prepare.call(this, sql);
  };
  prototype.batch = function <T>(this: D1Database, statements: D1PreparedStatement[]) {
    if (!isRow) return real.batch.call(this, statements) as Promise<D1Result<T>[]>;
    counted.calls += 1;
    if (counted.calls <= times) return Promise.reject(new Error(words));
    return real.batch.call(this, statements) as Promise<D1Result<T>[]>;
  };
  restore = () => Object.defineProperties(prototype, methods);
  return counted;
}

describe("a D1 database that is reset", () => {
  test.each([
    "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
    "D1_ERROR: D1 DB exceeded its CPU time limit and was reset.",
    "D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset.",
  ])("is asked again (%s)", async (words) => {
    const reads = failReads(2, words);
    const view = await exported({ source: "shop", format: "csv" });
    expect(view).toMatchObject({ status: "completed", error: null });
    expect(reads.calls).toBeGreaterThan(2);
  });

  test("by the same page again and again fails the job after four attempts", async () => {
    const words = "D1_ERROR: D1 DB exceeded its CPU time limit and was reset.";
    const reads = failReads(100, words);
    const view = await exported({ source: "shop", format: "csv" });
    expect(view).toMatchObject({
      status: "failed",
      error: { code: "source-timeout", message: words },
    });
    expect(reads.calls).toBe(4);
  });
});

describe("a Worker that is not found", () => {
  const words = 'Worker "shop" not found. Make sure it is running locally.';

  test("is asked again once it has answered", async () => {
    let left = 3;
    restore = disturbDatabase(([sql = ""]) => {
      if (!sql.includes("tmp_export") || sql.startsWith("SELECT") || left === 0) return;
      left -= 1;
      throw new Error(words);
    });
    const view = await exported({});
    expect(left).toBe(0);
    expect(view).toMatchObject({ status: "completed", error: null });
    expect(await snapshotObjects()).toEqual([]);
  });

  test("and never was fails the job at once", async () => {
    let calls = 0;
    restore = disturbDatabase(() => {
      calls += 1;
      throw new Error(words);
    });
    const view = await exported({});
    expect(view).toMatchObject({ status: "failed", error: { code: "configuration-invalid" } });
    expect(view.warnings).toEqual([]);
    // One attempt, which makes its first three requests at the same time.
    expect(calls).toBe(3);
  });
});

test("a step's fourth attempt that took too long is its last", async () => {
  const tooLong = () => Promise.reject(new ExportError("source-timeout", "no answer within 90 s"));
  await expect(runStepBody(3, tooLong)).rejects.not.toMatchObject({ name: "NonRetryableError" });
  await expect(runStepBody(4, tooLong)).rejects.toMatchObject({
    name: "NonRetryableError",
    message: "source-timeout: no answer within 90 s",
  });
});
