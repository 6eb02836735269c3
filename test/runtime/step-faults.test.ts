import { env, runInDurableObject } from "cloudflare:test";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { PART_BYTES_MIN } from "../../src/api/limits.ts";
import {
  api,
  download,
  ended,
  fillNoise,
  query,
  snapshotObjects,
  startExport,
} from "../support/api.ts";
import type { ReceivedRequest } from "../support/callback-receiver.ts";
import { type Fault, FAULTS, failSteps, type StepFaults } from "../support/faulty-steps.ts";
import { loseObjectOnce, restoreBucket } from "../support/faulty-bucket.ts";
import { recordUploads } from "../support/recorded-uploads.ts";
import { listStoredKeys } from "../support/stored-keys.ts";

/** Every step of a job that ends well. The fourth chunk is written into an open upload. */
const STEPS = [
  "open snapshot",
  "export t 1",
  "open artifact dump.sql",
  "export t 4",
  "complete artifact dump.sql",
  "close snapshot",
  "verify artifact dump.sql",
  "publish manifest",
];

const uploads = recordUploads();
let faults: StepFaults | undefined;
let undisturbed: Uint8Array;

beforeAll(async () => {
  await fillNoise({ rows: 700, rowBytes: 5_000 });
  undisturbed = await download((await ended((await startExport()).jobId)).jobId);
  expect(undisturbed.byteLength).toBeGreaterThan(PART_BYTES_MIN);
});

afterEach(async () => {
  await faults?.restore();
});

afterAll(restoreBucket);

/** Runs a job whose `step` fails once by `fault`; late tries have ended when it is given. */
async function disturbed(
  step: string,
  fault: Fault,
  { request = {}, origin }: { request?: object; origin?: string } = {},
): Promise<JobView> {
  faults = failSteps((name) => name === step, fault);
  const body = JSON.stringify(request);
  const response = await api("/export/dump", { method: "POST", body }, origin);
  const view = await ended((await response.json<JobView>()).jobId);
  await expect
    .poll(() => faults?.tries.filter((name) => name === step).length, { timeout: 20_000 })
    .toBeGreaterThan(1);
  await faults.restore();
  return view;
}

/** What a job has left: objects of its snapshot, carried bytes, open uploads, and files but `files`. */
async function leftovers(jobId: string, files: string[]): Promise<unknown> {
  const blobs = await runInDurableObject(
    env.EXPORT_JOBS.getByName("jobs"),
    (_, { storage }) =>
      storage.sql.exec("SELECT job_id FROM tmp_export_job_blobs").toArray().length,
  );
  const names = (await listStoredKeys(jobId)).map((key) => key.split("/").at(-1));
  return {
    snapshot: await snapshotObjects(),
    blobs,
    uploads: await uploads.countOpen(),
    files: names.filter((name) => !files.includes(name ?? "")),
    missing: files.filter((name) => names.filter((each) => each === name).length !== 1),
  };
}

const NOTHING = { snapshot: [], blobs: 0, uploads: 0, files: [], missing: [] };

describe.each(STEPS)("a job whose step %j", (step) => {
  test.each(FAULTS)("fails once (%s) exports the same bytes, and leaves nothing", async (fault) => {
    const view = await disturbed(step, fault);
    expect(view).toMatchObject({ status: "completed", error: null, workflow: { run: 1 } });
    expect(Buffer.compare(await download(view.jobId), undisturbed)).toBe(0);
    expect(await leftovers(view.jobId, ["dump.sql", "manifest.json"])).toEqual(NOTHING);
    // Two tries that upload the same parts at once: only then may the job begin again.
    const mayStartOver = step === "export t 4" && fault === "beside";
    expect(view.warnings.length).toBeLessThanOrEqual(mayStartOver ? 1 : 0);
  });
});

describe.each(FAULTS)("where a try fails by %s", (fault) => {
  test("several small files of one chunk are what they are undisturbed", async () => {
    await query(
      "CREATE TABLE IF NOT EXISTS small(id INTEGER PRIMARY KEY, note TEXT)",
      "INSERT OR IGNORE INTO small VALUES (1, 'one'), (2, NULL)",
      "CREATE TABLE IF NOT EXISTS empty(id)",
    );
    const request = { format: "csv", compression: "gzip", tables: { exclude: ["t"] } };
    const plain = await ended((await startExport(request)).jobId);
    const view = await disturbed("export small 1", fault, { request });
    expect(view).toMatchObject({ status: "completed", warnings: [] });
    const hashes = ({ artifacts }: JobView) => artifacts.map(({ name, sha256 }) => [name, sha256]);
    expect(hashes(view)).toEqual(hashes(plain));
    await query("DROP TABLE small", "DROP TABLE empty");
    const files = ["small.csv.gz", "empty.csv.gz", "manifest.json"];
    expect(await leftovers(view.jobId, files)).toEqual(NOTHING);
  });

  test("a job whose object is lost begins again once", async () => {
    loseObjectOnce();
    const view = await disturbed("start over 1", fault);
    expect(view).toMatchObject({ status: "completed", error: null });
    expect(view.warnings).toHaveLength(1);
    expect(Buffer.compare(await download(view.jobId), undisturbed)).toBe(0);
    expect(await leftovers(view.jobId, ["dump.sql", "manifest.json"])).toEqual(NOTHING);
  });

  test("a callback is delivered under one id", async () => {
    const receiver = inject("callbackReceiverOrigin");
    const request = { content: "schema", callbackUrl: `${receiver}/answer?status=204` };
    const { jobId } = await disturbed("send callback 1", fault, {
      request,
      origin: "http://localhost",
    });
    await expect
      .poll(async () => (await (await api(`/export/dump/${jobId}`)).json<JobView>()).callback)
      .toMatchObject({ status: "delivered", attempts: 1 });
    const received = await (await fetch(`${receiver}/requests`)).json<ReceivedRequest[]>();
    const posts = received.filter(({ headers }) => headers["webhook-id"] === jobId);
    expect(posts.length).toBeGreaterThan(0);
    expect(posts.length).toBeLessThanOrEqual(fault === "beside" ? 2 : 1);
  });
});

// A run that gives up ends behind this step, and takes a try along that would come later.
test.each(["before", "after", "beside"] as const)(
  "a job whose step of giving up fails once (%s) has one end, and leaves nothing",
  async (fault) => {
    const request = { tables: { include: ["nothing"] } };
    const view = await disturbed("give up", fault, { request });
    expect(view).toMatchObject({ status: "failed", error: { code: "table-not-found" } });
    expect(await leftovers(view.jobId, [])).toEqual(NOTHING);
  },
);
