import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test } from "vitest";

import type { RestoreView } from "../../src/api/restore-view.ts";
import { download, ended, query, startExport } from "../support/api.ts";
import { disturbDatabase } from "../support/faulty-database.ts";
import { type Fault, FAULTS, failSteps, type StepFaults } from "../support/faulty-steps.ts";
import { listNames, openCopy, restored, startRestore } from "../support/restores.ts";

const { EXPORT_R2_BUCKET: bucket } = env as unknown as { EXPORT_R2_BUCKET: R2Bucket };

/** Every step of a restore that replaces a database and ends well. */
const STEPS = [
  "scan script",
  "start safety export",
  "check safety export 1",
  "open target",
  "load 1",
  "verify 1",
  "complete restore",
];

let jobId: string;
let first: string;
let faults: StepFaults | undefined;
let copies = 0;

async function dump(body: object): Promise<{ jobId: string; text: string }> {
  const started = await startExport(body);
  expect((await ended(started.jobId)).status).toBe("completed");
  const text = new TextDecoder().decode(await download(started.jobId));
  return { jobId: started.jobId, text };
}

beforeAll(async () => {
  await query(
    "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b(id))",
    "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a(id), note TEXT)",
    `INSERT INTO a WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
     SELECT i, NULL FROM n`,
    "INSERT INTO b SELECT id, 301 - id, hex(zeroblob(5000)) FROM a",
    "UPDATE a SET b = 301 - id",
    "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END",
  );
  ({ jobId, text: first } = await dump({}));
});

afterEach(async () => {
  await faults?.restore();
});

/** Runs a restore into a filled object, whose `step` fails once by `fault`; late attempts have ended after it. */
async function disturbed(step: string, fault: Fault, change: object = {}): Promise<RestoreView> {
  copies += 1;
  const name = `faulty ${copies}`;
  await openCopy(name).transaction([
    { sql: "CREATE TABLE old (x)" },
    { sql: "INSERT INTO old VALUES (1)" },
  ]);
  faults = failSteps((each) => each === step, fault);
  const body = { from: { jobId }, target: "copies", name, mode: "replace", ...change };
  const started = await startRestore(body);
  const view = await restored(started.jobId);
  await expect
    .poll(() => faults?.tries.filter((each) => each === step).length, { timeout: 20_000 })
    .toBeGreaterThan(1);
  await faults.restore();
  return view;
}

describe.each(STEPS)("a restore whose step %j", (step) => {
  test.each(FAULTS)("fails once (%s) makes an equal database", async (fault) => {
    const view = await disturbed(step, fault);
    expect(view.error).toBe(null);
    expect(view).toMatchObject({ status: "completed", workflow: { run: 1 } });
    const name = `faulty ${copies}`;
    const second = await dump({ source: "copies", name });
    expect(second.text).toBe(first.replace('source "main"', 'source "copies"'));
    expect(await listNames(name)).toEqual(["a", "b", "t"]);
  });
});

describe.each([
  ["close target", FAULTS],
  // The instance ends after this step, and with it an attempt that is still to come.
  ["give up", FAULTS.filter((fault) => fault !== "timeout")],
] as const)("a restore that fails, and whose step %j", (step, faultsOfStep) => {
  test.each(faultsOfStep)("fails once (%s) gives the former content back", async (fault) => {
    await bucket.put("bad.sql", "CREATE TABLE new(a);\nINSERT INTO nothing VALUES(1);");
    const from = { object: "bad.sql" };
    const view = await disturbed(step, fault, { from, undoOnFailure: true });
    expect(view).toMatchObject({ status: "failed", error: { code: "statement-failed" } });
    const name = `faulty ${copies}`;
    await expect.poll(() => listNames(name)).toEqual(["old"]);
    expect((await openCopy(name).query({ sql: "SELECT x FROM old" })).rows).toEqual([[1]]);
  });
});

test("a load step that is cut off several times records each time how far it is", async () => {
  const restoreInto = async (name: string): Promise<RestoreView> =>
    restored((await startRestore({ from: { jobId }, target: "copies", name })).jobId);
  const undisturbed = await restoreInto("undisturbed");
  faults = failSteps(() => false, "before");
  let turns = 0;
  let cuts = 0;
  const stop = disturbDatabase(([first = ""]) => {
    if (!first.startsWith("REPLACE INTO tmp_export_restore SELECT")) return;
    turns += 1;
    if (turns % 2 === 0 || cuts === 3) return;
    cuts += 1;
    throw Object.assign(new Error("Network connection lost."), { retryable: true });
  });
  try {
    const view = await restoreInto("cut off");
    expect(view).toMatchObject({ status: "completed", verification: { state: "equal" } });
    expect(cuts).toBe(3);
    const tries = faults.tries.filter((name) => name === "load 1");
    expect(tries).toHaveLength(4);
    // Two of the four attempts began after turns that no step had recorded.
    expect(view.usage.steps).toBe(undisturbed.usage.steps + 2);
  } finally {
    stop();
  }
});
