import { introspectWorkflow, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";

import type { CopyView } from "../../src/api/copies.ts";
import type { JobView } from "../../src/api/job-view.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { readSettings } from "../../src/config/settings.ts";
import { openBucket } from "../../src/storage/destinations/open-destination.ts";
import { api, download, emptyDatabase, ended, fillNoise, query } from "../support/api.ts";
import { bucketPrototype, realBucket, restoreBucket } from "../support/faulty-bucket.ts";
import { unwrap } from "../../src/rpc/outcome.ts";
import { failSteps, FAULTS } from "../support/faulty-steps.ts";

/** Jobs of a Worker on this machine: only that may reach an S3 service on this machine. */
const ORIGIN = "http://localhost:8787";
/** Makes a dump of two parts. */
const NOISE = { rows: 560, rowBytes: 8_000 };
const { ARCHIVE_BUCKET: archive } = env as unknown as { ARCHIVE_BUCKET: R2Bucket };
const jobs = env.EXPORT_JOBS.getByName("jobs");

beforeEach(() => emptyDatabase());
afterEach(restoreBucket);

async function start(body: object): Promise<JobView> {
  const init = { method: "POST", body: JSON.stringify(body) };
  const response = await api("/export/dump", init, ORIGIN);
  if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json<JobView>();
}

async function exported(body: object): Promise<JobView> {
  return ended((await start(body)).jobId);
}

async function viewOf(jobId: string): Promise<JobView> {
  return (await api(`/export/dump/${jobId}`)).json<JobView>();
}

function copyAt(view: JobView, destination: string): CopyView {
  const copy = view.copies.find((each) => each.destination === destination);
  if (copy === undefined) throw new Error(`there is no copy at ${destination}`);
  return copy;
}

/** An object at a destination; undefined if there is none. */
async function read(destination: string, key: string): Promise<Uint8Array | undefined> {
  const store = openBucket(env, readSettings(env), destination, { localDevelopment: true });
  const body = await store.read(key);
  return body && new Uint8Array(await new Response(body).arrayBuffer());
}

async function expectWhole(view: JobView, destination: string, name = "dump.sql"): Promise<void> {
  const { state, folder } = copyAt(view, destination);
  expect(state).toBe("copied");
  const dump = await download(view.jobId);
  expect(Buffer.compare((await read(destination, `${folder}${name}`)) ?? Buffer.of(), dump)).toBe(
    0,
  );
  const manifest = await api(`/export/dump/${view.jobId}/manifest`);
  const copied = new TextDecoder().decode(await read(destination, `${folder}manifest.json`));
  expect(copied).toBe(await manifest.text());
}

async function listArchive(prefix: string): Promise<string[]> {
  const { objects } = await archive.list({ prefix });
  return objects.map(({ key }) => key);
}

/** Runs the watchdog when everything that waits is due. */
async function runWatchdog(): Promise<void> {
  await runInDurableObject(jobs, async (_, { storage }) => {
    storage.sql.exec("UPDATE tmp_export_job_copy_discards SET due_at_ms = 0");
    storage.sql.exec(
      "UPDATE tmp_export_jobs SET copying_due_at_ms = 0 WHERE copying_due_at_ms IS NOT NULL",
    );
    await storage.setAlarm(Date.now() + 3_600_000);
  });
  await runDurableObjectAlarm(jobs);
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

/** Makes writes of copies to R2 fail while `isFaulty` returns true. */
function breakArchive(isFaulty: (key: string) => boolean): void {
  const refuse = (key: string): void => {
    if (!key.startsWith("exports/") && isFaulty(key)) throw new Error("injected (10001)");
  };
  bucketPrototype.put = async function (this: R2Bucket, key: string, ...rest: unknown[]) {
    refuse(key);
    return (realBucket.put as (...args: unknown[]) => Promise<R2Object>).call(this, key, ...rest);
  } as R2Bucket["put"];
  bucketPrototype.createMultipartUpload = async function (this: R2Bucket, key, options) {
    refuse(key);
    return realBucket.createMultipartUpload.call(this, key, options);
  };
}

describe("an export with copies", () => {
  test("copies a large file in parts, and the manifest last, to S3 and R2", async () => {
    await fillNoise(NOISE);
    const copyTo = ["offsite", "checking", "archive"];
    const view = await exported({ copyTo });
    expect(view).toMatchObject({ status: "completed", warnings: [], error: null });
    expect(view.copies).toHaveLength(3);
    for (const destination of copyTo) {
      await expectWhole(view, destination);
      const { bytes, folder, failures, copiedAt } = copyAt(view, destination);
      expect(bytes).toBeGreaterThan(view.artifacts[0]?.bytes ?? Infinity);
      expect({ failures, copied: copiedAt !== null }).toEqual({ failures: 0, copied: true });
      const prefix = destination === "archive" ? "kept/" : "";
      const day = view.createdAt.slice(0, 10).replaceAll("-", "/");
      const stamp = view.createdAt.replaceAll(/[-:]|\.\d+/g, "");
      expect(folder).toBe(`${prefix}main/${day}/${stamp}-${view.jobId.slice(0, 8)}/`);
    }
    const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
    expect(manifest.copies).toEqual(
      view.copies.map(({ destination, folder, sealed }) => ({ destination, folder, sealed })),
    );
  });

  test("copies many small files in one step", async () => {
    await query("CREATE TABLE a(x)", "CREATE TABLE b(x)", "INSERT INTO a VALUES (1)");
    const plain = await exported({ format: "csv" });
    const view = await exported({ format: "csv", copyTo: ["archive"] });
    const { folder } = copyAt(view, "archive");
    expect(await listArchive(folder)).toEqual(
      ["a.csv", "b.csv", "manifest.json"].map((name) => `${folder}${name}`),
    );
    // The files, the manifest's copy, and the completion.
    expect(view.usage.steps - plain.usage.steps).toBeLessThanOrEqual(3);
    expect(view.usage.r2ClassAOperations - plain.usage.r2ClassAOperations).toBe(3);
  });

  test("has no copies if the request names none", async () => {
    const view = await exported({});
    expect(view.copies).toEqual([]);
    const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
    expect(manifest).not.toHaveProperty("copies");
  });

  test.each([
    [{ copyTo: ["nowhere"] }, 404, "destination-not-found"],
    [{ copyTo: [] }, 400, "invalid-request"],
    [{ copyTo: ["archive", "archive"] }, 400, "invalid-request"],
  ])("is refused with %j", async (body, status, code) => {
    const response = await api("/export/dump", { method: "POST", body: JSON.stringify(body) });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });
});

describe("a copy resumes", () => {
  test.each(FAULTS)("if each of its steps fails once: %s", async (fault) => {
    await fillNoise(NOISE);
    // Not those after a restart, which a late part causes: its ETag is another one.
    const isMeant = (name: string) => /^(copy .* [1-4]$|publish|complete job)/.test(name);
    const faults = failSteps(isMeant, fault, "6 seconds");
    let view: JobView;
    try {
      view = await exported({ copyTo: ["archive"] });
    } finally {
      await faults.restore();
    }
    expect(view).toMatchObject({ status: "completed", warnings: [] });
    await expectWhole(view, "archive");
    const tries = faults.tries.filter((name) => name.startsWith("copy dump.sql to archive"));
    // The upload, its parts and the check, each twice.
    if (fault === "before" || fault === "after") expect(tries).toHaveLength(6);
  });

  test("from the beginning of a file whose upload its destination has lost", async () => {
    await fillNoise(NOISE);
    let isLost = false;
    bucketPrototype.resumeMultipartUpload = function (this: R2Bucket, key, uploadId) {
      const upload = realBucket.resumeMultipartUpload.call(this, key, uploadId);
      const uploadPart: R2MultipartUpload["uploadPart"] = async (number, value) => {
        if (!key.startsWith("exports/") && number === 2 && !isLost) {
          isLost = true;
          await upload.abort();
        }
        return upload.uploadPart(number, value);
      };
      return {
        key,
        uploadId,
        uploadPart,
        complete: upload.complete.bind(upload),
        abort: upload.abort.bind(upload),
      };
    };
    const view = await exported({ copyTo: ["archive"] });
    expect(isLost).toBe(true);
    expect(view.warnings).toEqual([]);
    await expectWhole(view, "archive");
  });
});

describe("a copy that arrives otherwise than it was sent", () => {
  /** Flips a byte of each copy that is read back, `times` times. */
  function changeReads(times: number): void {
    let left = times;
    bucketPrototype.get = async function (this: R2Bucket, key: string, options: R2GetOptions) {
      const object = await realBucket.get.call(this, key, options);
      if (key.startsWith("exports/") || object === null || left === 0) return object;
      left -= 1;
      const bytes = new Uint8Array(await object.arrayBuffer());
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      return { ...object, size: object.size, body: new Response(bytes).body };
    } as R2Bucket["get"];
  }

  test("is sent again", async () => {
    await query("CREATE TABLE a(x)");
    changeReads(2);
    const view = await exported({ copyTo: ["archive"] });
    restoreBucket();
    expect(view.warnings).toEqual([]);
    await expectWhole(view, "archive");
  });

  test("fails after three attempts, and the export completes with a warning", async () => {
    await query("CREATE TABLE a(x)");
    changeReads(3);
    const view = await exported({ copyTo: ["archive"] });
    expect(view.status).toBe("completed");
    expect(view.warnings[0]).toMatch(/^copy-failed: the copy to "archive" failed, and it will be/);
    expect(copyAt(view, "archive")).toMatchObject({
      state: "retrying",
      failures: 1,
      error: {
        code: "destination-refused",
        message: 'copy to "archive": dump.sql did not arrive as it was sent, 3 times',
      },
    });
  });
});

describe("a destination that is gone", () => {
  test("lets the export complete, and gets its copy from the watchdog later", async () => {
    await using _ = await withoutDelays();
    await query("CREATE TABLE a(x)");
    let isGone = true;
    breakArchive(() => isGone);
    const view = await exported({ copyTo: ["archive", "offsite"] });
    expect(view.status).toBe("completed");
    await expectWhole(view, "offsite");
    const failed = copyAt(view, "archive");
    expect(failed).toMatchObject({ state: "retrying", failures: 1, copiedAt: null });
    expect(failed.error?.code).toBe("storage-unavailable");
    const waitMs = Date.parse(failed.nextAttemptAt ?? "") - Date.parse(view.completedAt ?? "");
    expect(waitMs).toBe(300_000);

    await runWatchdog();
    await expect.poll(async () => copyAt(await viewOf(view.jobId), "archive").failures).toBe(2);
    isGone = false;
    await runWatchdog();
    await expect.poll(async () => copyAt(await viewOf(view.jobId), "archive").state).toBe("copied");
    const later = await viewOf(view.jobId);
    expect(later.warnings).toEqual([]);
    await expectWhole(later, "archive");
  });

  test("fails an export that requires the copy, and nothing stays at other destinations", async () => {
    await query("CREATE TABLE a(x)");
    const view = await exported({ copyTo: ["archive", "missing"], copyRequired: true });
    expect(view).toMatchObject({
      status: "failed",
      error: {
        code: "configuration-invalid",
        message: expect.stringContaining(
          'copy to "missing": EXPORT_DESTINATIONS: missing: binding',
        ),
      },
    });
    const { folder } = copyAt(view, "archive");
    expect(await listArchive(folder)).toEqual([`${folder}dump.sql`]);
    await runWatchdog();
    expect(await listArchive(folder)).toEqual([]);
  });

  test("is abandoned after twenty attempts", async () => {
    await query("CREATE TABLE a(x)");
    const { jobId } = await exported({ copyTo: ["missing"] });
    await runInDurableObject(jobs, (_, { storage }) => {
      storage.sql.exec("UPDATE tmp_export_jobs SET copyings = 20 WHERE job_id = ?", jobId);
    });
    await runWatchdog();
    const view = await viewOf(jobId);
    expect(copyAt(view, "missing")).toMatchObject({ state: "failed", nextAttemptAt: null });
    expect(view.warnings[0]).toContain("it was abandoned");
  });

  test("shows no secret in the view", async () => {
    await query("CREATE TABLE a(x)");
    const { secretAccessKey } = inject("s3Bucket");
    const view = await exported({ copyTo: ["offsite", "missing"] });
    expect(JSON.stringify(view)).not.toContain(secretAccessKey);
  });
});

describe("a job that is removed", () => {
  test("deletes copies only at destinations that say so", async () => {
    await query("CREATE TABLE a(x)");
    const view = await exported({ copyTo: ["archive", "pruned"] });
    const [kept, pruned] = [copyAt(view, "archive").folder, copyAt(view, "pruned").folder];
    expect(await listArchive(pruned)).toHaveLength(2);
    await api(`/export/dump/${view.jobId}`, { method: "DELETE" });
    await runWatchdog();
    expect(await listArchive(pruned)).toEqual([]);
    expect(await listArchive(kept)).toHaveLength(2);
  });

  test("keeps the record of its copies after its files have expired", async () => {
    await query("CREATE TABLE a(x)");
    const { jobId } = await exported({ copyTo: ["archive", "pruned", "missing"] });
    await runInDurableObject(jobs, (_, { storage }) => {
      storage.sql.exec("UPDATE tmp_export_jobs SET expires_at_ms = 1 WHERE job_id = ?", jobId);
    });
    await runDurableObjectAlarm(jobs);
    await runWatchdog();
    const view = await viewOf(jobId);
    expect(view.status).toBe("expired");
    expect(view.copies.map(({ destination, state }) => [destination, state])).toEqual([
      ["archive", "copied"],
      ["missing", "failed"],
      ["pruned", "deleted"],
    ]);
  });

  test("is kept while its files are being copied", async () => {
    await query("CREATE TABLE a(x)");
    const { jobId } = await exported({ copyTo: ["missing"] });
    await runInDurableObject(jobs, async (_, { storage }) => {
      storage.sql.exec(
        "UPDATE tmp_export_job_copies SET state = 'pending' WHERE job_id = ?",
        jobId,
      );
      storage.sql.exec("UPDATE tmp_export_jobs SET expires_at_ms = 1 WHERE job_id = ?", jobId);
      await storage.setAlarm(Date.now() + 3_600_000);
    });
    await runDurableObjectAlarm(jobs);
    const [row] = await runInDurableObject(jobs, (_, { storage }) =>
      storage.sql.exec("SELECT state FROM tmp_export_jobs WHERE job_id = ?", jobId).toArray(),
    );
    expect(row).toEqual({ state: "completed" });
  });
});

test("a job that restarts copies into another folder, which the removal of the first spares", async () => {
  await query("CREATE TABLE t(a)", "INSERT INTO t VALUES (1)");
  const late = { isHeld: false, isReleased: false };
  bucketPrototype.put = async function (this: R2Bucket, key: string, ...rest: unknown[]) {
    if (!late.isHeld && key.startsWith("exports/") && key.endsWith("/manifest.json")) {
      late.isHeld = true;
      // A promise of another request cannot be awaited.
      while (!late.isReleased) await scheduler.wait(5);
    }
    return (realBucket.put as (...args: unknown[]) => Promise<R2Object>).call(this, key, ...rest);
  } as R2Bucket["put"];
  const { jobId, copies } = await start({ copyTo: ["archive"] });
  while (!late.isHeld) await scheduler.wait(5);
  const first = copies[0]?.folder ?? "";
  expect(await listArchive(first)).toEqual([`${first}dump.sql`]);
  const reason = { code: "artifact-corrupt", message: "lost" } as const;
  unwrap(await jobs.startOver({ jobId, run: 1 }, { opening: 1, reason }));
  await env.EXPORT_WORKFLOW.create({
    id: crypto.randomUUID(),
    params: { jobId, run: 1, kind: "export" },
  });
  const view = await ended(jobId);
  late.isReleased = true;
  expect(copyAt(view, "archive").folder).toBe(first.replace(/\/$/, "-2/"));
  await runWatchdog();
  await expectWhole(view, "archive");
  expect(await listArchive(first)).toEqual([]);
});
