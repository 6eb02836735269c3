import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";

import { migrate } from "../../src/jobs/migrate.ts";
import { api } from "../support/api.ts";

test("tables that a newer version has added to are worked with", async () => {
  await runInDurableObject(env.EXPORT_JOBS.getByName("expanded"), (_, { storage }) => {
    storage.sql.exec(
      `ALTER TABLE tmp_export_jobs ADD COLUMN later TEXT;
       INSERT INTO tmp_export_job_migrations (number, code_min)
         SELECT max(number) + 1, max(code_min) FROM tmp_export_job_migrations`,
    );
    migrate(storage);
  });
});

// The last test: nobody can use the object afterwards.
test("tables that need newer code are refused by a clear code, and stay as they are", async () => {
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  expect((await api("/export/jobs")).status).toBe(200);
  await runInDurableObject(jobs, (_, { storage }) => {
    storage.sql.exec("UPDATE tmp_export_job_migrations SET code_min = 99");
    expect(() => migrate(storage)).toThrow("the job tables need a version with 99 migrations");
  });
  await evictDurableObject(jobs);
  for (const [path, method] of [
    ["/export/jobs", "GET"],
    ["/export/dump", "POST"],
  ] as const) {
    const response = await api(path, { method });
    expect([response.status, await response.json()]).toEqual([
      503,
      expect.objectContaining({
        code: "jobs-database-newer",
        detail: expect.stringContaining("need a version with 99 migrations"),
      }),
    ]);
  }
});
