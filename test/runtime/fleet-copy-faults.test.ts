import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { FleetView } from "../../src/api/fleet-view.ts";
import { copyAt, listArchive } from "../support/copies.ts";
import { failSteps, FAULTS } from "../support/faulty-steps.ts";
import { expectWholeFleet } from "../support/fleet-copies.ts";
import { allowOneTurn, backUpFleet, openTenant, restoreOneTurn } from "../support/fleets.ts";

/** Their pack has two parts. */
const HEAVY = Array.from({ length: 6 }, (_, at) => `c-heavy ${at}`);

beforeAll(async () => {
  allowOneTurn(2_000_000);
  for (const name of HEAVY) {
    await openTenant(name).transaction([
      { sql: "CREATE TABLE IF NOT EXISTS noise(text)" },
      { sql: "INSERT INTO noise VALUES (hex(randomblob(750000)))" },
    ]);
  }
});

afterAll(restoreOneTurn);

describe("the copy of a pack of several parts resumes", () => {
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
    await expectWholeFleet(view, "archive");
    const { folder } = copyAt(view, "archive");
    expect(await listArchive(folder)).toHaveLength(3);
    const tries = faults.tries.filter((name) => name.startsWith("copy "));
    // The upload, its parts, the check, the index, and the manifest, each twice.
    if (fault === "before" || fault === "after") expect(tries).toHaveLength(10);
  });
});
