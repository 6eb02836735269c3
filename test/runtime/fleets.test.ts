import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { FleetManifest } from "../../src/api/fleet-manifest.ts";
import type { FleetList, FleetView } from "../../src/api/fleet-view.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { startScheduledExports } from "../../src/intake/scheduled.ts";
import { api } from "../support/api.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import {
  allowOneTurn,
  backUpFleet,
  endedFleet,
  enlargeTenant,
  filesOfFleet,
  fillTenants,
  listMembersOf,
  openTenant,
  recordRestore,
  requestFleet,
  requestMember,
  restoreOneTurn,
  startFleet,
  viewFleet,
} from "../support/fleets.ts";
import { restore } from "../support/restores.ts";
import { inJobs } from "../support/writing-job.ts";

const LONGEST = "日".repeat(1_000);
const NAMES = ["acme", "b/c d", "ünïcode", "zebra 🦓", LONGEST];

beforeAll(async () => {
  allowOneTurn();
  await fillTenants([...NAMES, "large"]);
  await enlargeTenant("large");
});

afterAll(restoreOneTurn);

async function dumpOf(name: string): Promise<string> {
  const { bytes } = await dumpDatabase(openTenant(name));
  return Buffer.from(bytes).toString().replace('source "main"', 'source "tenants"');
}

async function codeOf(response: Response): Promise<string> {
  return (await response.json<{ code: string }>()).code;
}

describe("a fleet", () => {
  let fleet: FleetView;

  beforeAll(async () => {
    fleet = await backUpFleet({ names: [...NAMES, "large", "nobody", "acme"] });
  });

  test("counts what became of each object", () => {
    expect(fleet).toMatchObject({
      kind: "fleet",
      status: "completed",
      error: null,
      names: "list",
      namedBy: "name",
      members: { total: 7, packed: 5, exported: 1, empty: 1, failed: 0, pending: 0 },
      progress: { percent: 100, rows: 5 * 2 + 3 },
      packs: [{ number: 1, members: 5, first: "acme", last: LONGEST }],
      failures: [],
      warnings: [expect.stringContaining("repeats names")],
    });
  });

  test.each(NAMES)("returns the dump of %j by one range of its pack", async (name) => {
    const response = await requestMember(fleet.fleetId, name);
    expect(response.status).toBe(200);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.toString()).toBe(await dumpOf(name));
    const hash = createHash("sha256").update(bytes).digest("hex");
    expect(response.headers.get("etag")).toBe(`"${hash}"`);
    const part = await requestMember(fleet.fleetId, name, { range: "bytes=3-9" });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(3, 10));
  });

  test("returns the dump of a large object, which has an export job", async () => {
    const { members } = await listMembersOf(fleet.fleetId, "?status=exported");
    expect(members).toMatchObject([{ member: "large", jobId: expect.any(String) }]);
    const response = await requestMember(fleet.fleetId, "large");
    expect(await response.text()).toContain("INSERT INTO");
    const job = await (await api(`/export/dump/${members[0]?.jobId}`)).json<JobView>();
    expect(job).toMatchObject({ status: "completed", object: { name: "large" } });
    expect(job.expiresAt).toBe(fleet.expiresAt);
  });

  test("lists its members by name, in pages, by prefix and by status", async () => {
    const all = await listMembersOf(fleet.fleetId);
    expect(all.members.map(({ member, status }) => [member, status])).toEqual([
      ["acme", "packed"],
      ["b/c d", "packed"],
      ["large", "exported"],
      ["nobody", "empty"],
      ["zebra 🦓", "packed"],
      ["ünïcode", "packed"],
      [LONGEST, "packed"],
    ]);
    expect(all.cursor).toBe(null);
    const first = await listMembersOf(fleet.fleetId, "?limit=4");
    const second = await listMembersOf(fleet.fleetId, `?limit=4&cursor=${first.cursor}`);
    expect([...first.members, ...second.members]).toEqual(all.members);
    expect(second.cursor).toBe(null);
    const found = await listMembersOf(fleet.fleetId, "?prefix=b");
    expect(found.members.map(({ member }) => member)).toEqual(["b/c d"]);
    const empty = await listMembersOf(fleet.fleetId, "?status=empty");
    expect(empty.members.map(({ member }) => member)).toEqual(["nobody"]);
  });

  test("has a manifest whose hashes fit its packs and indexes", async () => {
    const response = await api(`/export/fleet/${fleet.fleetId}/manifest`);
    const manifest = await response.json<FleetManifest>();
    expect(manifest.exports.map(({ member }) => member)).toEqual(["large"]);
    expect(manifest.members).toEqual({ total: 7, packed: 5, exported: 1, empty: 1, failed: 0 });
    for (const pack of manifest.packs) {
      for (const { key, bytes, sha256 } of [pack, pack.index]) {
        const body = await (await env.EXPORT_R2_BUCKET.get(key))?.bytes();
        expect(body?.byteLength).toBe(bytes);
        expect(
          createHash("sha256")
            .update(body ?? "")
            .digest("hex"),
        ).toBe(sha256);
      }
    }
  });

  test("restores one of its members", async () => {
    const from = { fleetId: fleet.fleetId, name: "b/c d" };
    const view = await restore({ from, target: "copies", name: "restored from a pack" });
    expect(view).toMatchObject({ status: "completed", error: null, from });
    const { rows } = await openTenant("restored from a pack").query({
      sql: "SELECT text FROM notes ORDER BY id",
    });
    expect(rows).toEqual([["b/c d"], ["two"]]);
  });

  test("keeps its files, and those of its exports, while a restore may read them", async () => {
    const { members } = await listMembersOf(fleet.fleetId, "?status=exported");
    const from = { fleetId: fleet.fleetId, name: "large" };
    const forget = await recordRestore({ state: "running", from });
    for (const path of [`/export/fleet/${fleet.fleetId}`, `/export/dump/${members[0]?.jobId}`]) {
      expect(await codeOf(await api(path, { method: "DELETE" }))).toBe("file-in-use");
    }
    await forget();
  });

  test("restores a large member from its export", async () => {
    const from = { fleetId: fleet.fleetId, name: "large" };
    const view = await restore({ from, target: "copies", name: "restored from an export" });
    expect(view).toMatchObject({ status: "completed", verification: { state: "equal" } });
  });

  test.each(["nobody", "unknown"])("has no dump of %j", async (name) => {
    expect(await codeOf(await requestMember(fleet.fleetId, name))).toBe("member-not-found");
  });

  test("is not found as an export, and is listed among the fleets", async () => {
    expect((await api(`/export/dump/${fleet.fleetId}`)).status).toBe(404);
    const { fleets } = await (await api("/export/fleets?limit=1")).json<FleetList>();
    expect(fleets.map(({ fleetId }) => fleetId)).toEqual([fleet.fleetId]);
  });

  test("ends its events with its last view", async () => {
    const text = await (await api(`/export/fleet/${fleet.fleetId}/events`)).text();
    expect(text).toContain("event: end");
    expect(text).toContain(fleet.fleetId);
  });

  test("leaves nothing but its files, and nothing at all once it is deleted", async () => {
    expect(await filesOfFleet(fleet.fleetId)).toEqual([
      "manifest.json",
      "members.json",
      "pack-00001.index.json",
      "pack-00001.sql",
    ]);
    const { members } = await listMembersOf(fleet.fleetId, "?status=exported");
    await (await requestMember(fleet.fleetId, members[0]?.member ?? "")).text();
    const response = await api(`/export/fleet/${fleet.fleetId}`, { method: "DELETE" });
    expect(response.status).toBe(204);
    expect(await filesOfFleet(fleet.fleetId)).toEqual([]);
    for (const table of ["packs", "failures", "exports"]) {
      expect(
        await inJobs(`SELECT * FROM tmp_export_fleet_${table} WHERE job_id = ?`, fleet.fleetId),
      ).toEqual([]);
    }
    const job = await (await api(`/export/dump/${members[0]?.jobId}`)).json<JobView>();
    expect(job.status).toBe("expired");
    // A download does not hold the files of what was deleted.
    const jobs = env.EXPORT_JOBS.getByName("jobs");
    await runInDurableObject(jobs, (_, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
    await runDurableObjectAlarm(jobs);
    expect(
      await inJobs("SELECT state FROM tmp_export_jobs WHERE job_id = ?", members[0]?.jobId ?? ""),
    ).toEqual([{ state: "expired" }]);
    expect((await api(`/export/fleet/${fleet.fleetId}`)).status).toBe(404);
  });
});

describe("the names of a fleet", () => {
  test("come from a query", async () => {
    await openTenant("sql-durable-object").transaction([
      { sql: "CREATE TABLE IF NOT EXISTS tenants(name TEXT PRIMARY KEY)" },
      { sql: "INSERT OR IGNORE INTO tenants VALUES ('acme'), ('zebra 🦓')" },
    ]);
    const names = { query: "SELECT name FROM tenants", source: "main" };
    const view = await backUpFleet({ names });
    expect(view).toMatchObject({ status: "completed", names: "query", members: { packed: 2 } });
  });

  test("come from an object of the bucket, and packs are whole gzip files", async () => {
    await env.EXPORT_R2_BUCKET.put("tenants.txt", "zebra 🦓\nacme\n");
    const view = await backUpFleet({ names: { object: "tenants.txt" }, compression: "gzip" });
    expect(view).toMatchObject({ status: "completed", names: "object", members: { packed: 2 } });
    const response = await requestMember(view.fleetId, "zebra 🦓");
    expect(response.headers.get("content-disposition")).toContain(".sql.gz");
    const text = gunzipSync(Buffer.from(await response.arrayBuffer())).toString();
    expect(text).toBe(await dumpOf("zebra 🦓"));
  });

  test.each([
    ["an empty object", { object: "blank.txt" }],
    ["no object", { object: "missing.txt" }],
    ["a query that returns NULL", { query: "SELECT NULL", source: "main" }],
    ["a query that returns a BLOB", { query: "SELECT x'61'", source: "main" }],
  ])("that are %s fail the fleet, and leave nothing", async (_, names) => {
    await env.EXPORT_R2_BUCKET.put("blank.txt", "\n");
    const view = await backUpFleet({ names });
    expect(view).toMatchObject({ status: "failed", error: { code: "fleet-names-invalid" } });
    expect(await filesOfFleet(view.fleetId)).toEqual([]);
  });

  test.each([
    [{}, "invalid-request"],
    [{ source: "main", names: ["acme"] }, "invalid-request"],
    [{ source: "shop" }, "invalid-request"],
    [{ names: [] }, "invalid-request"],
    [{ names: ["x".repeat(1_001)] }, "invalid-request"],
    [{ names: ["acme"], copyTo: ["archive"], encrypt: "copies" }, "invalid-request"],
    [{ names: ["acme"], verify: "restore" }, "invalid-request"],
    [{ names: ["acme"], encrypt: "all" }, "invalid-request"],
    [{ names: { query: "SELECT 1", source: "nothing" } }, "source-not-found"],
    [
      { names: { namespace: { accountId: "0".repeat(32), namespaceId: "1".repeat(32) } } },
      "configuration-invalid",
    ],
  ])("are refused in %j", async (body, code) => {
    expect(await codeOf(await requestFleet(body))).toBe(code);
  });

  test("are a list if a token may only start jobs", async () => {
    const headers = { authorization: "Bearer test-job-token-0123456789" };
    const refused = await requestFleet({ names: { object: "tenants.txt" } }, headers);
    expect(await codeOf(refused)).toBe("forbidden");
    const started = await requestFleet({ names: ["acme"] }, headers);
    expect(started.status).toBe(202);
    await endedFleet((await started.json<FleetView>()).fleetId);
  });
});

describe("members that fail", () => {
  const tables = { include: ["notes"] };

  beforeAll(() => openTenant("other").query({ sql: "CREATE TABLE IF NOT EXISTS other(a)" }));

  test("cost only themselves", async () => {
    const view = await backUpFleet({ names: ["acme", "other"], tables });
    expect(view).toMatchObject({
      status: "completed",
      members: { packed: 1, failed: 1, pending: 0 },
      failures: [{ member: "other", code: "table-not-found" }],
    });
    const { members } = await listMembersOf(view.fleetId, "?status=failed");
    expect(members).toMatchObject([{ member: "other", error: { code: "table-not-found" } }]);
    expect(await codeOf(await requestMember(view.fleetId, "other"))).toBe("member-not-found");
  });

  test.each([
    ["one of them, with failIfAny", { names: ["acme", "other"], failIfAny: true }],
    ["all of them", { names: ["other"] }],
  ])("fail the fleet if it is %s", async (_, body) => {
    const view = await backUpFleet({ ...body, tables });
    expect(view).toMatchObject({
      status: "failed",
      error: { code: "fleet-members-failed" },
      failures: [{ member: "other" }],
    });
    expect(await filesOfFleet(view.fleetId)).toEqual([]);
  });
});

test("one fleet of a source runs at a time, and a repeated key returns it", async () => {
  const headers = { "idempotency-key": crypto.randomUUID() };
  const first = await requestFleet({ names: ["large"] }, headers);
  const { fleetId } = await first.json<FleetView>();
  expect(await codeOf(await requestFleet({ names: ["acme"] }))).toBe("export-already-running");
  const again = await requestFleet({ names: ["large"] }, headers);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect((await again.json<FleetView>()).fleetId).toBe(fleetId);
  expect(await codeOf(await requestFleet({ names: ["acme"] }, headers))).toBe(
    "idempotency-key-reused",
  );
  expect(await endedFleet(fleetId)).toMatchObject({ status: "completed" });
});

test("a cancel ends a fleet and the exports of its members", async () => {
  const { fleetId } = await startFleet({ names: ["acme", "large"] });
  const find = () =>
    inJobs<{ export_id: string | null }>(
      "SELECT export_id FROM tmp_export_fleet_exports WHERE job_id = ?",
      fleetId,
    );
  await expect.poll(async () => (await find())[0]?.export_id ?? null).not.toBe(null);
  const [child] = await find();
  const response = await api(`/export/fleet/${fleetId}`, { method: "DELETE" });
  expect(await response.json<FleetView>()).toMatchObject({ status: "cancelled" });
  expect(await filesOfFleet(fleetId)).toEqual([]);
  const job = await (await api(`/export/dump/${child?.export_id}`)).json<JobView>();
  expect(["cancelled", "expired"]).toContain(job.status);
});

test("a fleet expires, and keeps only its row", async () => {
  const { fleetId } = await backUpFleet({ names: ["acme"] });
  await inJobs("UPDATE tmp_export_jobs SET expires_at_ms = 1 WHERE job_id = ?", fleetId);
  expect(await codeOf(await requestMember(fleetId, "acme"))).toBe("export-expired");
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  await runInDurableObject(jobs, (_, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
  await runDurableObjectAlarm(jobs);
  expect(await filesOfFleet(fleetId)).toEqual([]);
  expect(await viewFleet(fleetId)).toMatchObject({
    status: "expired",
    members: { packed: 1 },
    packs: [],
  });
});

test("a member whose database is locked is exported when the lock is free", async () => {
  const forget = await recordRestore({ state: "running", member: "large" });
  const { fleetId } = await startFleet({ names: ["acme", "large"] });
  await expect
    .poll(() =>
      inJobs(
        "SELECT member FROM tmp_export_fleet_exports WHERE job_id = ? AND state = 'waiting' AND attempts > 0",
        fleetId,
      ),
    )
    .toEqual([{ member: "large" }]);
  await forget();
  expect(await endedFleet(fleetId)).toMatchObject({
    status: "completed",
    members: { packed: 1, exported: 1, failed: 0 },
  });
});

test("a schedule starts a fleet once, however often its tick is delivered", async () => {
  const entry = {
    fleet: true,
    source: "tenants",
    names: ["acme"],
    mask: { notes: { text: "length" } },
    copyTo: ["archive"],
    cron: "0 3 * * *",
  };
  const scheduled = { ...env, EXPORT_SCHEDULE: JSON.stringify([entry]) } as typeof env;
  const count = async () =>
    (await (await api("/export/fleets?limit=100")).json<FleetList>()).fleets.length;
  const before = await count();
  const tick = { cron: "0 3 * * *", scheduledTime: 1_790_000_000_000 };
  await startScheduledExports(scheduled, tick);
  await startScheduledExports(scheduled, tick);
  await startScheduledExports(scheduled, { ...tick, cron: "0 4 * * *" });
  expect(await count()).toBe(before + 1);
  const { fleets } = await (await api("/export/fleets?limit=1")).json<FleetList>();
  expect(await endedFleet(fleets[0]?.fleetId ?? "")).toMatchObject({
    status: "completed",
    masked: [{ table: "notes", column: "text", kind: "length" }],
    copies: [{ destination: "archive", state: "copied" }],
  });
});
