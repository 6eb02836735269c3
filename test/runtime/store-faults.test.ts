import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { SCHEMA_QUERY } from "../../src/sqlite/parse-catalog.ts";
import { PART_BYTES_MIN } from "../../src/api/limits.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { api, download, ended, fillNoise, snapshotObjects, startExport } from "../support/api.ts";
import {
  bucket,
  bucketPrototype,
  loseObjectOnce,
  realBucket,
  restoreBucket,
} from "../support/faulty-bucket.ts";
import { disturbDatabase } from "../support/faulty-database.ts";
import { listStoredKeys } from "../support/stored-keys.ts";

beforeEach(() => fillNoise({ rows: 900, rowBytes: 8_000 }));

afterEach(restoreBucket);

/** Makes uploads behave otherwise; `fault` gets the real one and says what to do instead. */
function changeUploads(fault: (upload: R2MultipartUpload) => Partial<R2MultipartUpload>): void {
  bucketPrototype.resumeMultipartUpload = function (this: R2Bucket, key, uploadId) {
    const upload = realBucket.resumeMultipartUpload.call(this, key, uploadId);
    return {
      key,
      uploadId,
      uploadPart: upload.uploadPart.bind(upload),
      complete: upload.complete.bind(upload),
      abort: upload.abort.bind(upload),
      ...fault(upload),
    };
  };
}

const jobs = env.EXPORT_JOBS.getByName("jobs");

/** What a job has discarded and the watchdog has not removed for the last time, by key. */
function discardsOf(jobId: string): Promise<string[]> {
  return runInDurableObject(jobs, (_, { storage }) =>
    storage.sql
      .exec<{ object_key: string }>(
        "SELECT object_key FROM tmp_export_job_discards WHERE job_id = ?",
        jobId,
      )
      .toArray()
      .map(({ object_key: key }) => key),
  );
}

async function runAlarm(): Promise<void> {
  await runInDurableObject(jobs, (_, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
  await runDurableObjectAlarm(jobs);
}

/** The alarm, which must be set to about then. */
async function runAlarmAMinuteLater(): Promise<void> {
  await runInDurableObject(jobs, async (_, { storage }) => {
    expect(await storage.getAlarm()).toBeLessThan(Date.now() + 120_000);
    storage.sql.exec(
      "UPDATE tmp_export_job_discards SET discarded_at_ms = discarded_at_ms - 60000",
    );
  });
  await runDurableObjectAlarm(jobs);
}

async function exported(): Promise<JobView> {
  return ended((await startExport()).jobId);
}

/** The same bytes as an export that nothing disturbs, and nothing of an earlier try. */
async function expectWhole(view: JobView, restarts: number): Promise<void> {
  expect(view).toMatchObject({ status: "completed", error: null, workflow: { run: 1 } });
  expect(view.warnings).toHaveLength(restarts);
  expect(await snapshotObjects()).toEqual([]);
  const found = await download(view.jobId);
  const keys = await listStoredKeys(view.jobId);
  expect(keys).toHaveLength(2);
  expect(new Set(keys.map((key) => key.split("/").at(-1)))).toEqual(
    new Set(["dump.sql", "manifest.json"]),
  );
  restoreBucket();
  const undisturbed = await download((await exported()).jobId);
  expect(Buffer.compare(found, undisturbed)).toBe(0);
  expect(found.length).toBeGreaterThan(2 * PART_BYTES_MIN);
}

describe("a job begins again with a new snapshot, once,", () => {
  test("where a part differs from the one in the ledger", async () => {
    let isLate = true;
    changeUploads((upload) => ({
      complete: async (parts) => {
        // The upload of a killed try, which lands behind its retry's.
        if (isLate) await upload.uploadPart(1, new Uint8Array(PART_BYTES_MIN));
        isLate = false;
        return upload.complete(parts);
      },
    }));
    const view = await exported();
    expect(view.warnings[0]).toContain("restarted with a new snapshot");
    await expectWhole(view, 1);
  });

  test("where its upload is gone", async () => {
    let isGone = true;
    changeUploads((upload) => ({
      uploadPart: async (number, value) => {
        if (isGone) await upload.abort();
        isGone = false;
        return upload.uploadPart(number, value);
      },
    }));
    await expectWhole(await exported(), 1);
  });

  test("where its object is gone when it is read back", async () => {
    loseObjectOnce();
    await expectWhole(await exported(), 1);
  });

  test("where a part was kept otherwise than it was sent", async () => {
    let isLying = true;
    changeUploads((upload) => ({
      uploadPart: async (number, value) => {
        const bytes = new Uint8Array(value as Uint8Array<ArrayBuffer>);
        if (isLying) bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
        isLying = false;
        return upload.uploadPart(number, bytes);
      },
    }));
    const view = await exported();
    expect(view.warnings[0]).toContain("differs from what was written");
    await expectWhole(view, 1);
  });

  test("and fails the second time, with nothing left", async () => {
    changeUploads((upload) => ({
      complete: async (parts) => {
        await upload.uploadPart(1, new Uint8Array(PART_BYTES_MIN));
        return upload.complete(parts);
      },
    }));
    const view = await exported();
    expect(view).toMatchObject({
      status: "failed",
      error: { code: "artifact-corrupt" },
      artifacts: [],
    });
    expect(await snapshotObjects()).toEqual([]);
    expect(await listStoredKeys(view.jobId)).toEqual([]);
  });
});

describe("a step is tried again, and nothing else happens,", () => {
  test("where an upload was completed and its answer was lost", async () => {
    let isLost = true;
    changeUploads((upload) => ({
      complete: async (parts) => {
        const object = await upload.complete(parts);
        if (isLost) {
          isLost = false;
          throw new Error("Network connection lost.");
        }
        return object;
      },
    }));
    await expectWhole(await exported(), 0);
  });

  test("where the store is slow", async () => {
    let calls = 0;
    const slow = async (): Promise<void> => {
      calls += 1;
      await scheduler.wait(200);
    };
    changeUploads((upload) => ({
      uploadPart: async (number, value) => {
        await slow();
        return upload.uploadPart(number, value);
      },
      complete: async (parts) => {
        await slow();
        return upload.complete(parts);
      },
    }));
    await expectWhole(await exported(), 0);
    expect(calls).toBeGreaterThan(2);
  });

  test("where an attempt fails while a part of it is on its way", async () => {
    let sending = 0;
    let hasFailed = false;
    const sendingAtRetry: number[] = [];
    changeUploads((upload) => ({
      uploadPart: async (number, value) => {
        sending += 1;
        // Longer than the wait before the next attempt.
        if (!hasFailed) await scheduler.wait(4_000);
        const part = await upload.uploadPart(number, value);
        sending -= 1;
        return part;
      },
    }));
    const restore = disturbDatabase(([sql]) => {
      // What an attempt asks for first, and after its last page, and nobody else does while a part is sent.
      if (sql !== SCHEMA_QUERY) return;
      if (hasFailed) sendingAtRetry.push(sending);
      if (sending === 0 || hasFailed) return;
      hasFailed = true;
      throw new Error("Network connection lost.");
    });
    const view = await exported();
    restore();
    expect(sendingAtRetry[0]).toBe(0);
    await expectWhole(view, 0);
  });

  test("where every third call of the store fails", async () => {
    let calls = 0;
    const failing = (): void => {
      calls += 1;
      if (calls % 3 === 0) throw new Error("internal error; please try again (10001)");
    };
    changeUploads((upload) => ({
      uploadPart: async (number, value) => {
        failing();
        return upload.uploadPart(number, value);
      },
      complete: async (parts) => {
        failing();
        return upload.complete(parts);
      },
    }));
    bucketPrototype.createMultipartUpload = async function (this: R2Bucket, ...args) {
      failing();
      return realBucket.createMultipartUpload.apply(this, args);
    };
    bucketPrototype.head = async function (this: R2Bucket, key) {
      failing();
      return realBucket.head.call(this, key);
    };
    await expectWhole(await exported(), 0);
    expect(calls).toBeGreaterThan(5);
  });
});

test("what a job has begun again without is removed, again where it comes late", async () => {
  let isLate = true;
  changeUploads((upload) => ({
    complete: async (parts) => {
      if (isLate) await upload.uploadPart(1, new Uint8Array(PART_BYTES_MIN));
      isLate = false;
      return upload.complete(parts);
    },
  }));
  const view = await exported();
  const [key = "", ...others] = (await discardsOf(view.jobId)).filter((each) =>
    each.endsWith("/dump.sql"),
  );
  expect(others).toEqual([]);
  await bucket.put(key, "late");
  await runAlarm();
  expect(await listStoredKeys(view.jobId)).toContain(key);
  await runAlarmAMinuteLater();
  expect(await listStoredKeys(view.jobId)).not.toContain(key);
  expect(await discardsOf(view.jobId)).toEqual([]);
});

test("files that cannot be deleted are told of, and deleted by the watchdog", async () => {
  const { jobId } = await exported();
  bucketPrototype.delete = () =>
    Promise.reject(new Error("internal error; please try again (10001)"));
  const refused = await api(`/export/dump/${jobId}`, { method: "DELETE" });
  expect([refused.status, await refused.json()]).toEqual([
    503,
    expect.objectContaining({ code: "storage-unavailable" }),
  ]);
  restoreBucket();
  expect(await listStoredKeys(jobId)).not.toEqual([]);
  await runAlarmAMinuteLater();
  expect(await listStoredKeys(jobId)).toEqual([]);
  expect((await api(`/export/dump/${jobId}`, { method: "DELETE" })).status).toBe(204);
  expect((await api(`/export/dump/${jobId}`)).status).toBe(404);
});

test("what a killed try sends late of a job that is deleted is removed, a minute after", async () => {
  const view = await exported();
  const keys = await listStoredKeys(view.jobId);
  await api(`/export/dump/${view.jobId}`, { method: "DELETE" });
  expect(await listStoredKeys(view.jobId)).toEqual([]);
  for (const key of keys) await bucket.put(key, "late");
  await runAlarmAMinuteLater();
  expect(await listStoredKeys(view.jobId)).toEqual([]);
  expect(await discardsOf(view.jobId)).toEqual([]);
});

test("what a cancelled job sends late is removed by the watchdog, a minute after", async () => {
  const { jobId } = await startExport();
  for (;;) {
    const { tables } = await (await api(`/export/dump/${jobId}`)).json<JobView>();
    if (tables.length > 0) break;
    await scheduler.wait(1);
  }
  await api(`/export/dump/${jobId}`, { method: "DELETE" });
  const keys = (await discardsOf(jobId)).filter((key) => key.endsWith("/dump.sql"));
  expect(keys).toHaveLength(1);
  for (const key of keys) await bucket.put(key, "late");
  await runAlarmAMinuteLater();
  expect(await listStoredKeys(jobId)).toEqual([]);
  expect(await discardsOf(jobId)).toEqual([]);
});
