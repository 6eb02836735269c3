import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { FleetManifest } from "../../src/api/fleet-manifest.ts";
import type { FleetView } from "../../src/api/fleet-view.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { api } from "../support/api.ts";
import { restoreBucket } from "../support/faulty-bucket.ts";
import { failSteps } from "../support/faulty-steps.ts";
import {
  allowOneTurn,
  backUpFleet,
  endedFleet,
  fillTenants,
  listMembersOf,
  openTenant,
  requestFleet,
  requestMember,
  restoreOneTurn,
  startFleet,
} from "../support/fleets.ts";
import { readJobsDatabase } from "../support/read-jobs-database.ts";
import { recordWrites } from "../support/recorded-writes.ts";
import { restore } from "../support/restores.ts";

const SECRET = "planted-Zq7-secret";
const MASK = {
  users: { email: { template: "user-{rowid}@example.invalid" }, phone: "null", name: "length" },
};
const MASKED = [
  { table: "users", column: "email", kind: "template" },
  { table: "users", column: "phone", kind: "null" },
  { table: "users", column: "name", kind: "length" },
];
const COLUMNS = "id INTEGER PRIMARY KEY, email TEXT UNIQUE, phone, name TEXT, note TEXT";

/** Fills `users` of an object, whose schema has `columns`. */
async function fillUsers(name: string, columns: string, rows: number): Promise<void> {
  const names = columns.split(", ").map((column) => column.split(" ")[0] ?? "");
  const values = names.map((column) => {
    if (column === "id") return "i";
    return column === "note" ? "hex(zeroblob(100)) || i" : `'${SECRET}' || i`;
  });
  await openTenant(name).transaction([
    { sql: "DROP TABLE IF EXISTS users" },
    { sql: `CREATE TABLE users(${columns})` },
    {
      sql: `INSERT INTO users WITH RECURSIVE n(i) AS
        (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT ${values.join(", ")} FROM n`,
    },
  ]);
}

beforeAll(async () => {
  allowOneTurn();
  await fillUsers("m-a", COLUMNS, 3);
  await fillUsers("m-b", COLUMNS, 3);
  await fillUsers("m-big", COLUMNS, 400);
  await fillUsers("m-old", COLUMNS.replace(", phone", ""), 3);
  await fillUsers("m-old and big", COLUMNS.replace(", phone", ""), 400);
  await fillTenants(["m-bare"]);
});

afterAll(restoreOneTurn);

describe("a masked fleet", () => {
  let fleet: FleetView;
  let written: ReturnType<typeof recordWrites>;

  beforeAll(async () => {
    written = recordWrites();
    const faults = failSteps((name) => name === "back up members 1", "after");
    const names = ["m-a", "m-b", "m-big", "m-old", "m-old and big", "m-bare", "m-never used"];
    fleet = await backUpFleet({ names, mask: MASK });
    await faults.restore();
    restoreBucket();
  });

  test("masks its packed and its large members, and fails those that lack a masked column", () => {
    expect(fleet).toMatchObject({
      status: "completed",
      members: { total: 7, packed: 2, exported: 1, empty: 1, failed: 3 },
      masked: MASKED,
    });
    const codes = fleet.failures.map(({ member, code, message }) => [member, code, message]);
    const phone = 'mask names column "phone" of table "users", which does not exist';
    expect(codes).toEqual([
      ["m-bare", "mask-invalid", 'mask names table "users", which does not exist'],
      ["m-old", "mask-invalid", phone],
      ["m-old and big", "mask-invalid", phone],
    ]);
  });

  test("writes masked values into every dump", async () => {
    for (const name of ["m-a", "m-b", "m-big"]) {
      const text = await (await requestMember(fleet.fleetId, name)).text();
      expect(text).toContain("user-3@example.invalid");
      expect(text).not.toContain("Zq7");
    }
    const { members } = await listMembersOf(fleet.fleetId, "?status=exported");
    const job = await (await api(`/export/dump/${members[0]?.jobId}`)).json<JobView>();
    expect(job.masked).toEqual(MASKED);
  });

  test("leaves a planted secret in no object, attempt, answer or row", async () => {
    const keys = written.map(({ key }) => key);
    // The pack of the repeated attempt too.
    expect(keys.filter((key) => /pack-00001-\w+\.sql$/.test(key)).length).toBeGreaterThan(0);
    expect(written.length).toBeGreaterThan(5);
    for (const { key, bytes } of written)
      expect([key, bytes.includes("Zq7")]).toEqual([key, false]);
    const answers = await Promise.all(
      ["", "/members", "/manifest", "/events"].map(async (path) =>
        (await api(`/export/fleet/${fleet.fleetId}${path}`)).text(),
      ),
    );
    expect(answers.join()).not.toContain("Zq7");
    expect(await readJobsDatabase()).not.toContain("Zq7");
  });

  test("lists the columns in its manifest", async () => {
    const response = await api(`/export/fleet/${fleet.fleetId}/manifest`);
    expect((await response.json<FleetManifest>()).masked).toEqual(MASKED);
  });

  test("restores a member with its masked values", async () => {
    const from = { fleetId: fleet.fleetId, name: "m-a" };
    const view = await restore({ from, target: "copies", name: "restored from a masked pack" });
    expect(view).toMatchObject({ status: "completed", error: null });
    const { rows } = await openTenant("restored from a masked pack").query({
      sql: "SELECT email, phone FROM users WHERE id = 2",
    });
    expect(rows).toEqual([["user-2@example.invalid", null]]);
  });
});

test("a mask that names a column of no member fails the fleet, and names the reason", async () => {
  const mask = { users: { e_mail: "null" } };
  const view = await backUpFleet({ names: ["m-a", "m-b", "m-never used"], mask });
  expect(view).toMatchObject({
    status: "failed",
    members: { empty: 1, failed: 2 },
    error: {
      code: "fleet-members-failed",
      message:
        '2 of 3 objects could not be backed up; the first, "m-a": mask-invalid: ' +
        'mask names column "e_mail" of table "users", which does not exist',
    },
  });
});

test("a fleet without masks lists none", async () => {
  const { fleetId, masked } = await startFleet({ names: ["m-a"] });
  expect(masked).toEqual([]);
  await endedFleet(fleetId);
  const manifest = await (await api(`/export/fleet/${fleetId}/manifest`)).json<FleetManifest>();
  expect(manifest).not.toHaveProperty("masked");
});

test.each<[unknown]>([
  [{ users: { email: "hash" } }],
  [{ users: { constructor: "null" } }],
  ["all"],
])("a fleet whose masks are %j is refused at once", async (mask) => {
  const response = await requestFleet({ names: ["m-a"], mask });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: "invalid-request" });
});
