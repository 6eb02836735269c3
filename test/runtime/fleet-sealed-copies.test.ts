import { Buffer } from "node:buffer";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { FleetView } from "../../src/api/fleet-view.ts";
import type { PackIndex } from "../../src/api/pack-index.ts";
import { openSealed } from "../../src/sealing/open-sealed.ts";
import { TEST_IDENTITY, TEST_RECIPIENT } from "../support/age-keys.ts";
import { copyAt, listArchive, readCopied } from "../support/copies.ts";
import { manifestOfFleet } from "../support/fleet-copies.ts";
import {
  allowOneTurn,
  backUpFleet,
  enlargeTenant,
  fillTenants,
  listMembersOf,
  requestFleet,
  requestMember,
  restoreOneTurn,
} from "../support/fleets.ts";

const vars = env as unknown as Record<string, string>;

describe("a copy of a fleet that is sealed", () => {
  let fleet: FleetView;

  beforeAll(async () => {
    // Before anything else in the file: the settings are read once.
    vars["EXPORT_AGE_RECIPIENTS"] = TEST_RECIPIENT;
    allowOneTurn();
    const names = ["c-a", "c-b", "c-large", "c-planted name", "c-zzz"];
    await fillTenants(names);
    await enlargeTenant("c-large");
    fleet = await backUpFleet({ names, copyTo: ["archive"], encrypt: "copies" });
  });

  afterAll(() => {
    delete vars["EXPORT_AGE_RECIPIENTS"];
    restoreOneTurn();
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
    const manifest = await manifestOfFleet(fleet.fleetId);
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
    const [pack] = (await manifestOfFleet(fleet.fleetId)).packs;
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
    const { exports } = await manifestOfFleet(fleet.fleetId);
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
