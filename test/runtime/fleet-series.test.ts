import { env } from "cloudflare:workers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import type { FleetList, FleetView } from "../../src/api/fleet-view.ts";
import { startScheduledExports } from "../../src/intake/scheduled.ts";
import { api, ended, startExport } from "../support/api.ts";
import { copyAt, listArchive, runWatchdogOfCopies } from "../support/copies.ts";
import { manifestOfFleet } from "../support/fleet-copies.ts";
import {
  allowOneTurn,
  backUpFleet,
  endedFleet,
  enlargeTenant,
  fillTenants,
  recordRestore,
  requestFleet,
  requestMember,
  restoreOneTurn,
  viewFleet,
} from "../support/fleets.ts";
import { listStoredKeys } from "../support/stored-keys.ts";
import { inJobs } from "../support/writing-job.ts";

const SMALL = ["series-a", "series-b"];
const LARGE = "series-large";

let series = "";
let count = 0;
beforeEach(() => {
  series = `fleets ${(count += 1)}`;
});

beforeAll(async () => {
  allowOneTurn();
  await fillTenants([...SMALL, LARGE]);
  await enlargeTenant(LARGE);
});

afterAll(restoreOneTurn);

/** Backs up the members into the test's series. */
async function backUp(retention: object, body: object = {}): Promise<FleetView> {
  const view = await backUpFleet({ names: SMALL, series, retention, ...body });
  expect(view).toMatchObject({ status: "completed", error: null });
  return view;
}

/** What keeps a fleet, without the periods; undefined if its files are no longer offered. */
async function keepersOf({ fleetId }: FleetView): Promise<string[] | undefined> {
  const { status, retention } = await viewFleet(fleetId);
  if (status === "expired") return undefined;
  return retention?.keptBy?.map(({ rule }) => rule);
}

function change(jobId: string, assignments: string): Promise<unknown> {
  return inJobs(`UPDATE tmp_export_jobs SET ${assignments} WHERE job_id = ?`, jobId);
}

async function read(response: Promise<Response>): Promise<void> {
  const answer = await response;
  expect(answer.status).toBe(200);
  await answer.arrayBuffer();
}

/** Returns the id of the export of the large member. */
async function exportOf({ fleetId }: FleetView): Promise<string> {
  const { exports } = await manifestOfFleet(fleetId);
  return exports[0]?.jobId ?? "";
}

describe("a series of fleets", () => {
  test("keeps what its policy keeps, and deletes the files and exports of the rest", async () => {
    const names = [...SMALL, LARGE];
    const first = await backUp({ keepLast: 2 }, { names });
    expect(await keepersOf(first)).toEqual(["newest", "keepLast"]);
    const exportId = await exportOf(first);
    const member = await (await api(`/export/dump/${exportId}`)).json();
    expect([first.expiresAt, member]).toMatchObject([null, { expiresAt: null, retention: null }]);
    const second = await backUp({ keepLast: 2 }, { names });
    expect(await keepersOf(first)).toEqual(["keepLast"]);
    const third = await backUp({ keepLast: 2 });
    expect(await keepersOf(second)).toEqual(["keepLast"]);
    expect(await keepersOf(third)).toEqual(["newest", "keepLast"]);
    expect(await viewFleet(first.fleetId)).toMatchObject({
      status: "expired",
      retention: { series, policy: { keepLast: 2 }, keptBy: [] },
    });
    await runWatchdogOfCopies();
    expect(await listStoredKeys(first.fleetId)).toEqual([]);
    expect(await listStoredKeys(exportId)).toEqual([]);
    expect((await requestMember(first.fleetId, "series-a")).status).toBe(410);
    for (const name of names) await read(requestMember(second.fleetId, name));
  });

  test("contains only the fleets of one name, and no exports", async () => {
    const fleet = await backUp({ keepLast: 1 });
    const other = await backUp({ keepLast: 1 }, { series: `${series} of another name` });
    const request = { source: "tenants", name: "series-a", series, retention: { keepLast: 1 } };
    expect((await ended((await startExport(request)).jobId)).retention?.keptBy).not.toEqual([]);
    const apart = await backUpFleet({ names: SMALL });
    expect([apart.retention, apart.expiresAt]).toEqual([null, expect.any(String)]);
    for (const view of [fleet, other]) {
      expect(await keepersOf(view)).toEqual(["newest", "keepLast"]);
    }
  });

  test("deletes nothing when a fleet fails, and deletes the newest only by hand", async () => {
    const first = await backUp({ keepLast: 1 }, { names: [LARGE] });
    const exportId = await exportOf(first);
    const failed = await backUpFleet({
      names: SMALL,
      series,
      retention: { keepLast: 1 },
      tables: { include: ["none"] },
    });
    expect(failed.status).toBe("failed");
    expect(await keepersOf(first)).toEqual(["newest", "keepLast"]);
    await api(`/export/fleet/${first.fleetId}`, { method: "DELETE" });
    await runWatchdogOfCopies();
    expect(await listStoredKeys(first.fleetId)).toEqual([]);
    expect(await listStoredKeys(exportId)).toEqual([]);
  });
});

describe("a fleet that no rule keeps", () => {
  test.each(["series-a", LARGE])("stays while a download of %s reads it", async (name) => {
    const first = await backUp({ keepLast: 1 }, { names: [...SMALL, LARGE] });
    await read(requestMember(first.fleetId, name));
    await backUp({ keepLast: 1 });
    expect(await keepersOf(first)).toEqual(["in-use"]);
    await runWatchdogOfCopies();
    await read(requestMember(first.fleetId, name));
    await change(first.fleetId, "read_until_ms = 1");
    await change(await exportOf(first), "read_until_ms = 1");
    await backUp({ keepLast: 1 });
    expect(await keepersOf(first)).toBe(undefined);
  });

  test("stays while a download reads the export of one of its members", async () => {
    const first = await backUp({ keepLast: 1 }, { names: [LARGE] });
    const exportId = await exportOf(first);
    await read(api(`/export/dump/${exportId}/download`));
    await backUp({ keepLast: 1 });
    expect(await keepersOf(first)).toEqual(["in-use"]);
    await change(exportId, "read_until_ms = 1");
    await backUp({ keepLast: 1 });
    expect(await keepersOf(first)).toBe(undefined);
  });

  test("is not held by a look at its members, its manifest or headers", async () => {
    const first = await backUp({ keepLast: 1 });
    const path = `/export/fleet/${first.fleetId}`;
    await read(api(`${path}/members`));
    await read(api(`${path}/manifest`));
    await api(`${path}/download?name=series-a`, { method: "HEAD" });
    await backUp({ keepLast: 1 });
    expect(await keepersOf(first)).toBe(undefined);
  });

  test("stays while a restore reads it", async () => {
    const first = await backUp({ keepLast: 1 });
    const from = { fleetId: first.fleetId, name: "series-a" };
    const forget = await recordRestore({ state: "running", from });
    await backUp({ keepLast: 1 });
    expect(await keepersOf(first)).toEqual(["in-use"]);
    await forget();
    await backUp({ keepLast: 1 });
    expect(await keepersOf(first)).toBe(undefined);
  });

  test("stays until its copies and those of its exports are made or abandoned", async () => {
    const first = await backUp({ keepLast: 1 }, { names: [LARGE], copyTo: ["missing"] });
    const settle = (jobId: string) =>
      inJobs("UPDATE tmp_export_job_copies SET state = 'failed' WHERE job_id = ?", jobId);
    await backUp({ keepLast: 1 });
    expect(await keepersOf(first)).toEqual(["in-use"]);
    await settle(first.fleetId);
    await backUp({ keepLast: 1 });
    expect(await keepersOf(first)).toEqual(["in-use"]);
    await settle(await exportOf(first));
    await backUp({ keepLast: 1 });
    expect(await keepersOf(first)).toBe(undefined);
  });

  test("loses its copies only at a destination that says prune", async () => {
    const copyTo = ["archive", "pruned"];
    const first = await backUp({ keepLast: 1 }, { names: [...SMALL, LARGE], copyTo });
    const { copies = [], exports } = await manifestOfFleet(first.fleetId);
    await backUp({ keepLast: 1 });
    await runWatchdogOfCopies();
    await runWatchdogOfCopies();
    const left = await Promise.all(
      [...copies, ...(exports[0]?.copies ?? [])].map(async ({ destination, folder }) => [
        destination,
        (await listArchive(folder)).length,
      ]),
    );
    expect(left).toEqual([
      ["archive", 3],
      ["pruned", 0],
      ["archive", 2],
      ["pruned", 0],
    ]);
    expect(copyAt(await viewFleet(first.fleetId), "pruned").state).toBe("deleted");
  });
});

test("files that a restore reads outlive the end of a fleet's retention hours", async () => {
  const { fleetId } = await backUpFleet({ names: SMALL, retentionHours: 1 });
  const forget = await recordRestore({ state: "running", from: { fleetId, name: "series-a" } });
  await change(fleetId, "expires_at_ms = 1");
  await runWatchdogOfCopies();
  expect(await listStoredKeys(fleetId)).not.toEqual([]);
  await forget();
  await runWatchdogOfCopies();
  expect(await listStoredKeys(fleetId)).toEqual([]);
});

describe("a request for a fleet", () => {
  test.each([
    [{ retention: { keepLast: 1 } }, "series", "expected the name of the series"],
    [{ series: "s" }, "retention", "EXPORT_RETENTION is not set"],
    [{ series: "s", retention: {} }, "retention", "expected at least one of"],
    [{ series: "s", retention: { keepLast: 1 }, retentionHours: 5 }, "retentionHours", "by hours"],
  ])("is refused if it is %j", async (body, path, message) => {
    const response = await requestFleet({ names: SMALL, ...body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid-request",
      issues: [{ path, message: expect.stringContaining(message) }],
    });
  });
});

describe("a schedule's fleets", () => {
  async function run(entry: object, more: object = {}): Promise<FleetView> {
    const tick = { cron: "0 3 * * *", scheduledTime: Date.now() + (count += 1) };
    const fleet = { fleet: true, source: "tenants", names: SMALL, ...entry };
    const EXPORT_SCHEDULE = JSON.stringify([fleet]);
    await startScheduledExports({ ...env, EXPORT_SCHEDULE, ...more } as typeof env, tick);
    const { fleets } = await (await api("/export/fleets?limit=1")).json<FleetList>();
    return endedFleet(fleets[0]?.fleetId ?? "");
  }

  test("are kept by the entry's policy, in a series of their own", async () => {
    const retention = { keepLast: 1 };
    const daily = await run({ cron: "0 3 * * *", retention });
    expect(daily.retention).toMatchObject({ series: "schedule 0 3 * * *", policy: retention });
    const every = await run({ retention });
    expect(every.retention?.series).toBe("schedule");
    expect(await keepersOf(daily)).toEqual(["newest", "keepLast"]);
    expect((await run({ retention, series })).retention?.series).toBe(series);
    await run({ retention });
    expect(await keepersOf(every)).toBe(undefined);
  });

  test("are kept by EXPORT_RETENTION, unless the entry says retentionHours", async () => {
    const more = { EXPORT_RETENTION: JSON.stringify({ keepDaily: 7 }) };
    expect((await run({}, more)).retention?.policy).toEqual({ keepDaily: 7 });
    expect((await run({ retentionHours: 5 }, more)).retention).toBe(null);
    expect((await run({})).retention).toBe(null);
  });

  test.each([
    [{ series: "s" }, "an entry has a series and no policy"],
    [{ retention: { keepLast: 1 }, retentionHours: 5 }, "retentionHours"],
  ])("are refused if an entry has %j", async (entry, message) => {
    await expect(run(entry)).rejects.toThrow(message);
  });
});
