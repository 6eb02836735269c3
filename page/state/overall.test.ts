import { describe, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { makeFleet, makeJob, makeSource, NOW_MS } from "../../test/support/page/made-jobs.ts";
import { listDatabases } from "./databases.ts";
import { listFleetStates } from "./fleets.ts";
import { judgeAll } from "./overall.ts";

describe("the state of all databases together", () => {
  const judgeSources = (jobs: JobView[]) =>
    judgeAll(listDatabases([makeSource("main"), makeSource("shop")], jobs, NOW_MS));
  const running = makeJob(1_000, { source: "shop", status: "running" });

  test("is new if nothing was exported", () => {
    expect(judgeSources([])).toEqual({ kind: "new" });
    expect(judgeAll([])).toEqual({ kind: "new" });
  });

  test("names the oldest of the newest backups if all have one", () => {
    const overall = judgeSources([makeJob(1_000), makeJob(2_000, { source: "shop" })]);
    expect(overall).toEqual({ kind: "ok", oldestMs: NOW_MS - 2_000, watched: 2 });
  });

  test("is not good while the first export of a database is running", () => {
    const overall = judgeSources([running, makeJob(2_000)]);
    expect(overall).toMatchObject({ kind: "waiting", waiting: [{ source: "shop" }], watched: 2 });
  });

  test("names the databases that need a person, whatever else is running", () => {
    const overall = judgeSources([running]);
    expect(overall).toMatchObject({ kind: "troubled", troubled: [{ source: "main" }] });
  });

  test("counts a fleet as one", () => {
    const fleets = listFleetStates([makeSource("tenants")], [makeFleet(3_000)], NOW_MS);
    const databases = listDatabases([makeSource("main")], [makeJob(1_000)], NOW_MS);
    expect(judgeAll(databases, fleets)).toEqual({
      kind: "ok",
      oldestMs: NOW_MS - 3_000,
      watched: 2,
    });
  });
});
