import { Buffer } from "node:buffer";
import { introspectWorkflow } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { FleetManifest } from "../../src/api/fleet-manifest.ts";
import type { FleetView } from "../../src/api/fleet-view.ts";
import type { JobView } from "../../src/api/job-view.ts";
import type { PackIndex } from "../../src/api/pack-index.ts";
import { openSealed } from "../../src/sealing/open-sealed.ts";
import { TEST_IDENTITY, TEST_RECIPIENT } from "../support/age-keys.ts";
import { api } from "../support/api.ts";
import {
  breakArchive,
  copyAt,
  listArchive,
  LOCAL_ORIGIN,
  readCopied,
  runWatchdogOfCopies,
} from "../support/copies.ts";
import { restoreBucket } from "../support/faulty-bucket.ts";
import { failSteps, FAULTS, hangSteps } from "../support/faulty-steps.ts";
import {
  allowOneTurn,
  backUpFleet,
  endedFleet,
  enlargeTenant,
  fillTenants,
  listMembersOf,
  openTenant,
  requestFleet,
  requestMember,
  restoreOneTurn,
  startFleet,
  viewFleet,
} from "../support/fleets.ts";
import { inJobs } from "../support/writing-job.ts";

const vars = env as unknown as Record<string, string>;
const NAMES = ["c-a", "c-b", "c-large"];
/** Their pack has two parts. */
const HEAVY = Array.from({ length: 6 }, (_, at) => `c-heavy ${at}`);

beforeAll(async () => {
  allowOneTurn();
  await fillTenants([...NAMES, "c-planted name"]);
  await enlargeTenant("c-large");
  for (const name of HEAVY) {
    await openTenant(name).transaction([
      { sql: "CREATE TABLE IF NOT EXISTS noise(text)" },
      { sql: "INSERT INTO noise VALUES (hex(randomblob(750000)))" },
    ]);
  }
});

afterEach(restoreBucket);
afterAll(restoreOneTurn);

async function manifestOf(fleetId: string): Promise<FleetManifest> {
  return (await api(`/export/fleet/${fleetId}/manifest`)).json<FleetManifest>();
}

/** A fleet whose origin lets its copies reach S3 on this machine. */
async function backUpLocally(body: object): Promise<FleetView> {
  const sent = JSON.stringify({ source: "tenants", ...body });
  const response = await api("/export/fleet", { method: "POST", body: sent }, LOCAL_ORIGIN);
  expect(response.status).toBe(202);
  return endedFleet((await response.json<FleetView>()).fleetId);
}

/** Compares a copy with the files in the deployment's own store. */
async function expectWhole({ fleetId, copies }: FleetView, destination: string): Promise<void> {
  const { state, folder } = copyAt({ copies }, destination);
  expect(state).toBe("copied");
  const manifest = await api(`/export/fleet/${fleetId}/manifest`);
  const text = await manifest.text();
  const copied = await readCopied(destination, `${folder}manifest.json`);
  expect(Buffer.from(copied ?? []).toString()).toBe(text);
  const { packs } = JSON.parse(text) as FleetManifest;
  expect(packs.length).toBeGreaterThan(0);
  for (const { key } of packs.flatMap((pack) => [pack, pack.index])) {
    const own = await (await env.EXPORT_R2_BUCKET.get(key))?.bytes();
    const there = await readCopied(destination, `${folder}${key.split("/").at(-1)}`);
    expect([key, Buffer.from(there ?? []).equals(own ?? Buffer.of())]).toEqual([key, true]);
  }
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
    await expectWhole(fleet, name);
    const { folder, sealed, failures, bytes } = copyAt(fleet, name);
    expect({ sealed, failures }).toEqual({ sealed: false, failures: 0 });
    expect(bytes).toBeGreaterThan(fleet.packs[0]?.bytes ?? Infinity);
    const stamp = fleet.createdAt.replaceAll(/[-:]|\.\d+/g, "");
    const day = fleet.createdAt.slice(0, 10).replaceAll("-", "/");
    const prefix = name === "archive" ? "kept/" : "";
    expect(folder).toBe(`${prefix}tenants/${day}/${stamp}-${fleet.fleetId.slice(0, 8)}/`);
  });

  test("copies the export of a large member too, and its manifest names the folder", async () => {
    const manifest = await manifestOf(fleet.fleetId);
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
    expect(await manifestOf(view.fleetId)).not.toHaveProperty("copies");
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

describe("the copy of a pack of several parts resumes", () => {
  beforeAll(() => allowOneTurn(2_000_000));
  afterAll(() => allowOneTurn());

  test.each(FAULTS)("if each of its steps fails once: %s", async (fault) => {
    // Not those after a restart, which a late part causes: its ETag is another one.
    const isMeant = (name: string) => /^(copy .* [1-5]$|publish|complete fleet)/.test(name);
    const faults = failSteps(isMeant, fault, "6 seconds");
    let view: FleetView;
    try {
      view = await backUpFleet({ names: HEAVY, copyTo: ["archive"] });
    } finally {
      await faults.restore();
    }
    expect(view).toMatchObject({ status: "completed", warnings: [], members: { packed: 6 } });
    expect(view.packs[0]?.bytes).toBeGreaterThan(8 * 1024 * 1024);
    await expectWhole(view, "archive");
    const { folder } = copyAt(view, "archive");
    expect(await listArchive(folder)).toHaveLength(3);
    const tries = faults.tries.filter((name) => name.startsWith("copy "));
    // The upload, its parts, the check, the index, and the manifest, each twice.
    if (fault === "before" || fault === "after") expect(tries).toHaveLength(10);
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
    const { exports } = await manifestOf(view.fleetId);
    expect(view.warnings).toEqual([
      expect.stringContaining(`the copy of export ${exports[0]?.jobId} to "archive" failed`),
      expect.stringMatching(/^copy-failed: the copy to "archive" failed, and it will be tried/),
    ]);
    isGone = false;
    await runWatchdogOfCopies();
    await expect
      .poll(async () => copyAt(await viewFleet(view.fleetId), "archive").state)
      .toBe("copied");
    await expectWhole(await viewFleet(view.fleetId), "archive");
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
    const { copies = [], exports } = await manifestOf(view.fleetId);
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

describe("a copy of a fleet that is sealed", () => {
  let fleet: FleetView;

  beforeAll(async () => {
    vars["EXPORT_AGE_RECIPIENTS"] = TEST_RECIPIENT;
    const names = ["c-a", "c-b", "c-large", "c-planted name", "c-zzz"];
    await fillTenants(["c-zzz"]);
    fleet = await backUpFleet({ names, copyTo: ["archive"], encrypt: "copies" });
    delete vars["EXPORT_AGE_RECIPIENTS"];
  });

  async function open(key: string): Promise<Uint8Array> {
    const sealed = new Uint8Array((await readCopied("archive", key)) ?? []);
    const plain = await openSealed(new Blob([sealed]).stream(), [TEST_IDENTITY]);
    return new Uint8Array(await new Response(plain).arrayBuffer());
  }

  test("contains sealed packs and indexes, and a plain manifest", async () => {
    expect(fleet).toMatchObject({ status: "completed", warnings: [] });
    const { folder, sealed, state } = copyAt(fleet, "archive");
    expect({ sealed, state }).toEqual({ sealed: true, state: "copied" });
    const names = (await listArchive(folder)).map((key) =>
      key.slice(folder.length).replace(/-[0-9a-f]{8}\./, "."),
    );
    expect(names).toEqual(["manifest.json", "pack-00001.index.json.age", "pack-00001.sql.age"]);
    const manifest = await manifestOf(fleet.fleetId);
    for (const { key } of manifest.packs.flatMap((pack) => [pack, pack.index])) {
      const own = await (await env.EXPORT_R2_BUCKET.get(key))?.bytes();
      const opened = await open(`${folder}${key.split("/").at(-1)}.age`);
      expect(Buffer.from(opened).equals(own ?? Buffer.of())).toBe(true);
    }
  });

  test('is all that a fleet seals: "encrypt": "all" is refused, with what to use', async () => {
    const response = await requestFleet({ names: ["c-a"], copyTo: ["archive"], encrypt: "all" });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('expected \\"copies\\"');
  });

  test("has the dump of one member at its place in the opened pack", async () => {
    const { folder } = copyAt(fleet, "archive");
    const [pack] = (await manifestOf(fleet.fleetId)).packs;
    const nameAt = (key = "") => `${folder}${key.split("/").at(-1)}.age`;
    const index = JSON.parse(Buffer.from(await open(nameAt(pack?.index.key))).toString());
    const member = (index as PackIndex).members.find((each) => each.member === "c-b");
    const bytes = await open(nameAt(pack?.key));
    const { offset = 0, bytes: length = 0 } = member ?? {};
    const own = await requestMember(fleet.fleetId, "c-b");
    expect(Buffer.from(bytes.subarray(offset, offset + length)).toString()).toBe(
      Buffer.from(await own.arrayBuffer()).toString(),
    );
  });

  test("shows no values, and no names of members but those at the ends of a pack", async () => {
    const { exports } = await manifestOf(fleet.fleetId);
    const folders = [copyAt(fleet, "archive").folder, exports[0]?.copies?.[0]?.folder ?? ""];
    let files = 0;
    for (const key of (await Promise.all(folders.map(listArchive))).flat()) {
      const bytes = Buffer.from((await readCopied("archive", key)) ?? []);
      expect([key, bytes.includes("planted name")]).toEqual([key, false]);
      expect([key, bytes.includes("INSERT INTO")]).toEqual([key, false]);
      files += 1;
    }
    expect(files).toBe(5);
    const { members } = await listMembersOf(fleet.fleetId, "?prefix=c-planted");
    expect(members).toHaveLength(1);
  });
});
