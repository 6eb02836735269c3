import { Buffer } from "node:buffer";
import { introspectWorkflow } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { FleetView } from "../../src/api/fleet-view.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { api } from "../support/api.ts";
import {
  breakArchive,
  copyAt,
  listArchive,
  LOCAL_ORIGIN,
  readCopied,
  runWatchdogOfCopies,
} from "../support/copies.ts";
import { expectWholeFleet, manifestOfFleet } from "../support/fleet-copies.ts";
import { restoreBucket } from "../support/faulty-bucket.ts";
import { hangSteps } from "../support/faulty-steps.ts";
import {
  allowOneTurn,
  backUpFleet,
  endedFleet,
  enlargeTenant,
  fillTenants,
  openTenant,
  requestFleet,
  requestMember,
  restoreOneTurn,
  startFleet,
  viewFleet,
} from "../support/fleets.ts";
import { inJobs } from "../support/writing-job.ts";

const NAMES = ["c-a", "c-b", "c-large"];

beforeAll(async () => {
  allowOneTurn();
  await fillTenants(NAMES);
  await enlargeTenant("c-large");
});

afterEach(restoreBucket);
afterAll(restoreOneTurn);

/** A fleet whose origin lets its copies reach S3 on this machine. */
async function backUpLocally(body: object): Promise<FleetView> {
  const sent = JSON.stringify({ source: "tenants", ...body });
  const response = await api("/export/fleet", { method: "POST", body: sent }, LOCAL_ORIGIN);
  expect(response.status).toBe(202);
  return endedFleet((await response.json<FleetView>()).fleetId);
}

/** Lets steps be repeated at once. */
async function withoutDelays() {
  const introspector = await introspectWorkflow(env.EXPORT_WORKFLOW);
  await introspector.modifyAll(async (instance) => {
    await instance.disableRetryDelays();
    await instance.disableSleeps();
  });
  return introspector;
}

describe("a fleet with copies", () => {
  let fleet: FleetView;

  beforeAll(async () => {
    fleet = await backUpLocally({ names: NAMES, copyTo: ["offsite", "archive"] });
  });

  test.each(["offsite", "archive"])("has its packs, indexes and manifest at %s", async (name) => {
    expect(fleet).toMatchObject({ status: "completed", warnings: [], error: null });
    await expectWholeFleet(fleet, name);
    const { folder, sealed, failures, bytes } = copyAt(fleet, name);
    expect({ sealed, failures }).toEqual({ sealed: false, failures: 0 });
    expect(bytes).toBeGreaterThan(fleet.packs[0]?.bytes ?? Infinity);
    const stamp = fleet.createdAt.replaceAll(/[-:]|\.\d+/g, "");
    const day = fleet.createdAt.slice(0, 10).replaceAll("-", "/");
    const prefix = name === "archive" ? "kept/" : "";
    expect(folder).toBe(`${prefix}tenants/${day}/${stamp}-${fleet.fleetId.slice(0, 8)}/`);
  });

  test("copies the export of a large member too, and its manifest names the folder", async () => {
    const manifest = await manifestOfFleet(fleet.fleetId);
    expect(manifest.copies).toEqual(
      fleet.copies.map(({ destination, folder, sealed }) => ({ destination, folder, sealed })),
    );
    const [exported] = manifest.exports;
    const job = await (await api(`/export/dump/${exported?.jobId}`)).json<JobView>();
    expect(exported?.copies).toEqual(
      job.copies.map(({ destination, folder, sealed }) => ({ destination, folder, sealed })),
    );
    for (const { destination, folder } of exported?.copies ?? []) {
      expect(folder).toContain("tenants/c-large/");
      const dump = await readCopied(destination, `${folder}dump.sql`);
      const own = await requestMember(fleet.fleetId, "c-large");
      expect(Buffer.from(await own.arrayBuffer()).equals(dump ?? Buffer.of())).toBe(true);
      expect(await readCopied(destination, `${folder}manifest.json`)).toBeDefined();
    }
    expect(exported?.copies).toHaveLength(2);
  });

  test("has no copies if the request names none", async () => {
    const view = await backUpFleet({ names: ["c-a"] });
    expect(view.copies).toEqual([]);
    expect(await manifestOfFleet(view.fleetId)).not.toHaveProperty("copies");
  });

  test.each([
    [{ copyTo: ["nowhere"] }, 404, "destination-not-found"],
    [{ copyTo: [] }, 400, "invalid-request"],
  ])("is refused with %j", async (body, status, code) => {
    const response = await requestFleet({ names: ["c-a"], ...body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });
});

describe("a destination that is gone", () => {
  test("lets the fleet complete, and gets its copy from the watchdog later", async () => {
    await using _ = await withoutDelays();
    let isGone = true;
    breakArchive(() => isGone);
    const view = await backUpFleet({ names: NAMES, copyTo: ["archive"] });
    expect(view).toMatchObject({ status: "completed", members: { packed: 2, exported: 1 } });
    expect(copyAt(view, "archive")).toMatchObject({ state: "retrying", failures: 1 });
    const { exports } = await manifestOfFleet(view.fleetId);
    expect(view.warnings).toEqual([
      expect.stringContaining(
        `the copy of export ${exports[0]?.jobId} to "archive" failed, and it will be tried again`,
      ),
      expect.stringMatching(/^copy-failed: the copy to "archive" failed, and it will be tried/),
    ]);
    isGone = false;
    await runWatchdogOfCopies();
    await expect
      .poll(async () => copyAt(await viewFleet(view.fleetId), "archive").state)
      .toBe("copied");
    await expectWholeFleet(await viewFleet(view.fleetId), "archive");
    // The warning about the large object's export ends with its copy too.
    await expect.poll(async () => (await viewFleet(view.fleetId)).warnings).toEqual([]);
  });

  test("fails a fleet that requires the copy, and nothing stays at other destinations", async () => {
    const view = await backUpFleet({
      names: ["c-a", "c-b"],
      copyTo: ["archive", "missing"],
      copyRequired: true,
    });
    expect(view).toMatchObject({ status: "failed", error: { code: "configuration-invalid" } });
    const { folder } = copyAt(view, "archive");
    expect(await listArchive(folder)).toHaveLength(2);
    await runWatchdogOfCopies();
    expect(await listArchive(folder)).toEqual([]);
  });

  test("fails a large member that requires its copy", async () => {
    const view = await backUpFleet({
      names: ["c-large"],
      copyTo: ["missing"],
      copyRequired: true,
    });
    expect(view).toMatchObject({
      status: "failed",
      error: { code: "fleet-members-failed" },
      failures: [{ member: "c-large", code: "configuration-invalid" }],
    });
  });
});

test("a fleet that fails because of its members copies nothing", async () => {
  await openTenant("c-other").query({ sql: "CREATE TABLE IF NOT EXISTS other(a)" });
  const view = await backUpFleet({
    names: ["c-a", "c-other"],
    tables: { include: ["notes"] },
    failIfAny: true,
    copyTo: ["archive"],
  });
  expect(view).toMatchObject({ status: "failed", error: { code: "fleet-members-failed" } });
  expect(await listArchive(copyAt(view, "archive").folder)).toEqual([]);
});

describe("a fleet that is removed", () => {
  test("deletes copies, also those of its exports, only at destinations that say so", async () => {
    const view = await backUpFleet({ names: NAMES, copyTo: ["archive", "pruned"] });
    const { copies = [], exports } = await manifestOfFleet(view.fleetId);
    const places = [...copies, ...(exports[0]?.copies ?? [])];
    const foldersAt = (name: string) =>
      places.filter(({ destination }) => destination === name).map(({ folder }) => folder);
    const countAt = async (name: string) =>
      (await Promise.all(foldersAt(name).map(listArchive))).map((keys) => keys.length);
    expect(await countAt("pruned")).toEqual([3, 2]);
    await api(`/export/fleet/${view.fleetId}`, { method: "DELETE" });
    await runWatchdogOfCopies();
    // The exports expire first, and then leave their discards.
    await runWatchdogOfCopies();
    expect(await countAt("pruned")).toEqual([0, 0]);
    expect(await countAt("archive")).toEqual([3, 2]);
  });

  test("keeps the record of its copies after its files have expired", async () => {
    const { fleetId } = await backUpFleet({ names: ["c-a"], copyTo: ["archive", "pruned"] });
    await inJobs("UPDATE tmp_export_jobs SET expires_at_ms = 1 WHERE job_id = ?", fleetId);
    await runWatchdogOfCopies();
    const view = await viewFleet(fleetId);
    expect(view.status).toBe("expired");
    expect(view.copies.map(({ destination, state }) => [destination, state])).toEqual([
      ["archive", "copied"],
      ["pruned", "deleted"],
    ]);
    await runWatchdogOfCopies();
    expect(await listArchive(copyAt(view, "pruned").folder)).toEqual([]);
    expect(await listArchive(copyAt(view, "archive").folder)).toHaveLength(3);
  });

  test("leaves nothing at its destinations if it is cancelled while it is copied", async () => {
    const hung = hangSteps((name) => name === "publish manifest");
    const { fleetId } = await startFleet({ names: ["c-a"], copyTo: ["archive", "pruned"] });
    await expect.poll(() => hung.reached.length).toBe(1);
    const { copies } = await viewFleet(fleetId);
    for (const { folder } of copies) expect(await listArchive(folder)).toHaveLength(2);
    await api(`/export/fleet/${fleetId}`, { method: "DELETE" });
    hung.restore();
    expect(await viewFleet(fleetId)).toMatchObject({ status: "cancelled" });
    await runWatchdogOfCopies();
    for (const { folder } of copies) expect(await listArchive(folder)).toEqual([]);
  });
});
