import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";

import { PART_BYTES_MAX, PART_BYTES_MIN, PARTS_MAX } from "../../src/api/limits.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import { unwrap } from "../../src/rpc/outcome.ts";
import { openArtifactStore } from "../../src/storage/open-artifact-store.ts";
import { api, sha256Of } from "../support/api.ts";
import { insertOrphan } from "../support/orphan-job.ts";
import {
  complete,
  completed,
  leftOf,
  passHours,
  putPart,
  refusal,
  runAlarm,
  runSetAlarm,
  scriptBytes,
  startUpload,
  storedAs,
  storePart,
  uploadView,
} from "../support/uploads.ts";
import { inJobs } from "../support/writing-job.ts";

const UNKNOWN = "00000000-0000-4000-8000-000000000000";
const HOUR_MS = 3_600_000;

const jobs = () => env.EXPORT_JOBS.getByName("jobs");
const store = openArtifactStore(env);

/** The parts of a script: two full ones and a rest. */
const PARTS = [
  scriptBytes(PART_BYTES_MIN, 1),
  scriptBytes(PART_BYTES_MIN, 2),
  scriptBytes(1_234, 3),
] as const;
const WHOLE = concatBytes(PARTS) as Uint8Array<ArrayBuffer>;

async function readStored(key: string): Promise<Uint8Array> {
  return new Uint8Array(await new Response(await store.read(key)).arrayBuffer());
}

function remove(fileId: string): Promise<Response> {
  return api(`/import/files/${fileId}`, { method: "DELETE" });
}

/** An upload of one part, completed. */
async function makeFile(bytes = scriptBytes(1_000)): Promise<string> {
  const { fileId } = await startUpload();
  await storePart(fileId, 1, bytes);
  await completed(fileId, { parts: 1 });
  return fileId;
}

/**
 * What uploads promise, whatever store keeps them. `store` names it.
 */
export function uploadsContract(storeName: string): void {
  afterEach(async () => {
    const files = await inJobs<{ id: string }>("SELECT file_id AS id FROM tmp_export_files");
    for (const { id } of files) unwrap(await jobs().removeFile(id));
    await inJobs("DELETE FROM tmp_export_job_discards");
  });

  describe(`an upload in ${storeName}`, () => {
    test("starts without parts, and lists its links", async () => {
      const response = await api("/import/files", {
        method: "POST",
        body: JSON.stringify({ name: "a b.sql.gz" }),
      });
      expect(response.status).toBe(201);
      const view = await response.json<{ fileId: string }>();
      const self = `https://export.example.com/import/files/${view.fileId}`;
      expect(response.headers.get("location")).toBe(self);
      expect(view).toEqual({
        fileId: view.fileId,
        name: "a b.sql.gz",
        status: "uploading",
        partBytes: PART_BYTES_MIN,
        parts: 0,
        bytes: 0,
        storedParts: [],
        sha256: null,
        createdAt: expect.any(String),
        expiresAt: expect.any(String),
        links: { self, part: `${self}/parts/{number}`, complete: `${self}/complete` },
      });
      expect(await uploadView(view.fileId)).toEqual(view);
    });

    test("becomes one file of its parts, in whatever order they arrive", async () => {
      const { fileId } = await startUpload({ bytes: WHOLE.byteLength });
      for (const number of [3, 1, 2]) {
        const bytes = PARTS[number - 1] as Uint8Array<ArrayBuffer>;
        expect(await storePart(fileId, number, bytes)).toEqual({
          number,
          bytes: bytes.byteLength,
          sha256: await sha256Of(bytes),
        });
      }
      const sha256 = await sha256Of(WHOLE);
      const view = await completed(fileId, { parts: 3, sha256: sha256.toUpperCase() });
      expect(view).toMatchObject({
        status: "completed",
        parts: 3,
        bytes: WHOLE.byteLength,
        storedParts: [{ first: 1, last: 3 }],
        sha256,
      });
      expect(await uploadView(fileId)).toEqual(view);
      const { key } = await storedAs(fileId);
      expect(key).toMatch(new RegExp(`^imports/${fileId}/[0-9a-f-]{36}/script$`));
      expect(Buffer.compare(await readStored(key), WHOLE)).toBe(0);
    });

    test("reports the runs of parts that are stored, so that a client can resume", async () => {
      const { fileId } = await startUpload();
      for (const number of [1, 2, 5, 7]) await storePart(fileId, number, scriptBytes(10, number));
      expect(await uploadView(fileId)).toMatchObject({
        status: "uploading",
        parts: 4,
        bytes: 40,
        storedParts: [
          { first: 1, last: 2 },
          { first: 5, last: 5 },
          { first: 7, last: 7 },
        ],
      });
    });

    test("keeps the last of several bytes that are sent as one part", async () => {
      const { fileId } = await startUpload();
      await storePart(fileId, 1, scriptBytes(2_000, 8));
      await storePart(fileId, 1, scriptBytes(1_000, 9));
      expect(await uploadView(fileId)).toMatchObject({ parts: 1, bytes: 1_000 });
      const { sha256 } = await completed(fileId, { parts: 1 });
      expect(sha256).toBe(await sha256Of(scriptBytes(1_000, 9)));
    });

    test("takes several parts at the same time", async () => {
      const { fileId } = await startUpload();
      await Promise.all(PARTS.map((bytes, at) => storePart(fileId, at + 1, bytes)));
      const { sha256 } = await completed(fileId, { parts: 3 });
      expect(sha256).toBe(await sha256Of(WHOLE));
    });

    test("takes a part that is sent in pieces without its length", async () => {
      const { fileId } = await startUpload();
      const [first] = PARTS;
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const sent = api(`/import/files/${fileId}/parts/1`, { method: "PUT", body: readable });
      const writer = writable.getWriter();
      for (let at = 0; at < first.byteLength; at += 300_000) {
        await writer.write(first.slice(at, at + 300_000));
      }
      await writer.close();
      expect(await (await sent).json()).toEqual({
        number: 1,
        bytes: first.byteLength,
        sha256: await sha256Of(first),
      });
    });

    test("leaves out parts after the last one that the completion counts", async () => {
      const { fileId } = await startUpload();
      await storePart(fileId, 1, scriptBytes(100));
      await storePart(fileId, 2, scriptBytes(100));
      expect(await completed(fileId, { parts: 1 })).toMatchObject({ parts: 1, bytes: 100 });
    });
  });

  describe(`a part in ${storeName} is refused`, () => {
    test("if it is empty, or longer than the parts of the file", async () => {
      const { fileId } = await startUpload();
      for (const length of [0, PART_BYTES_MIN + 1]) {
        expect(await refusal(putPart(fileId, 2, new Uint8Array(length)))).toEqual({
          status: 422,
          code: "part-invalid",
          detail: `part 2 has ${length} bytes, and a part of this file has 1 to ${PART_BYTES_MIN}`,
        });
      }
      expect(await uploadView(fileId)).toMatchObject({ parts: 0 });
    });

    test("if it is longer than any part can be, before it is read", async () => {
      const { fileId } = await startUpload();
      const long = putPart(fileId, 1, new Uint8Array(PART_BYTES_MAX + 1));
      expect(await refusal(long)).toMatchObject({ status: 413, code: "body-too-large" });
    });

    test("if its hash is not the one that the client announces", async () => {
      const { fileId } = await startUpload();
      const bytes = scriptBytes(100);
      const sha256 = await sha256Of(bytes);
      const wrong = { "content-sha256": await sha256Of(scriptBytes(100, 2)) };
      expect(await refusal(putPart(fileId, 1, bytes, wrong))).toMatchObject({
        status: 422,
        code: "part-invalid",
        detail: expect.stringContaining(`part 1 arrived with SHA-256 ${sha256}`),
      });
      const invalid = putPart(fileId, 1, bytes, { "content-sha256": "abc" });
      expect(await refusal(invalid)).toMatchObject({ status: 400, code: "invalid-request" });
      expect((await putPart(fileId, 1, bytes, { "content-sha256": sha256 })).status).toBe(200);
    });

    test.each(["0", "-1", "1.5", "x", "01", String(PARTS_MAX + 1), "9".repeat(30)])(
      "if its number is %s",
      async (number) => {
        const { fileId } = await startUpload();
        expect(await refusal(putPart(fileId, number, scriptBytes(10)))).toEqual({
          status: 422,
          code: "part-invalid",
          detail: `there is no part "${number}": parts are numbered from 1 to 10000`,
        });
      },
    );

    test("if the file is complete, which stays as it is", async () => {
      const fileId = await makeFile();
      expect(await refusal(putPart(fileId, 1, scriptBytes(1_000, 2)))).toMatchObject({
        status: 422,
        code: "part-invalid",
        detail: "part 1 is refused: the file is complete. Start another upload",
      });
      const { key } = await storedAs(fileId);
      expect(Buffer.compare(await readStored(key), scriptBytes(1_000))).toBe(0);
    });
  });

  describe(`a completion in ${storeName}`, () => {
    test("names the first part that is missing, and succeeds once it is there", async () => {
      const { fileId } = await startUpload();
      expect(await refusal(complete(fileId, { parts: 1 }))).toMatchObject({
        status: 409,
        code: "file-not-complete",
        detail: "part 1 of 1 is not stored",
      });
      await storePart(fileId, 1, PARTS[0]);
      await storePart(fileId, 3, PARTS[2]);
      expect(await refusal(complete(fileId, { parts: 3 }))).toMatchObject({
        code: "file-not-complete",
        detail: "part 2 of 3 is not stored",
      });
      await storePart(fileId, 2, PARTS[1]);
      expect(await completed(fileId, { parts: 3 })).toMatchObject({ bytes: WHOLE.byteLength });
    });

    test("names a part that is too short, and succeeds once it is whole", async () => {
      const { fileId } = await startUpload();
      await storePart(fileId, 1, scriptBytes(10));
      await storePart(fileId, 2, scriptBytes(10));
      expect(await refusal(complete(fileId, { parts: 2 }))).toEqual({
        status: 422,
        code: "part-invalid",
        detail: `part 1 of 2 has 10 bytes instead of ${PART_BYTES_MIN}`,
      });
      await storePart(fileId, 1, PARTS[0]);
      expect(await completed(fileId, { parts: 2 })).toMatchObject({ bytes: PART_BYTES_MIN + 10 });
    });

    test("refuses a file of another size than announced, which can still be corrected", async () => {
      const { fileId } = await startUpload({ bytes: 1_000 });
      await storePart(fileId, 1, scriptBytes(999));
      expect(await refusal(complete(fileId, { parts: 1 }))).toEqual({
        status: 422,
        code: "file-differs",
        detail: "the 1 parts have 999 bytes, and 1000 were announced",
      });
      await storePart(fileId, 1, scriptBytes(1_000));
      expect(await completed(fileId, { parts: 1 })).toMatchObject({ status: "completed" });
    });

    test.each(["at the start", "on completion"])(
      "deletes a file of another hash than announced %s",
      async (when) => {
        const announced = { sha256: await sha256Of(scriptBytes(100, 2)) };
        const { fileId } = await startUpload(when === "at the start" ? announced : {});
        await storePart(fileId, 1, scriptBytes(100));
        const more = when === "on completion" ? announced : {};
        expect(await refusal(complete(fileId, { parts: 1, ...more }))).toEqual({
          status: 422,
          code: "file-differs",
          detail:
            `the file has SHA-256 ${await sha256Of(scriptBytes(100))}, ` +
            `and ${announced.sha256} was announced; it is now deleted`,
        });
        expect((await api(`/import/files/${fileId}`)).status).toBe(404);
        expect(await leftOf(fileId)).toBe(0);
      },
    );

    test("refuses two announcements that contradict each other, and deletes nothing", async () => {
      const { fileId } = await startUpload({ sha256: await sha256Of(scriptBytes(100)) });
      await storePart(fileId, 1, scriptBytes(100));
      const other = { parts: 1, sha256: "0".repeat(64) };
      expect(await refusal(complete(fileId, other))).toMatchObject({ code: "file-differs" });
      expect(await completed(fileId, { parts: 1 })).toMatchObject({ status: "completed" });
      expect(await refusal(complete(fileId, other))).toMatchObject({ code: "file-differs" });
      expect(await uploadView(fileId)).toMatchObject({ status: "completed" });
    });

    test("returns the same view when it is repeated", async () => {
      const { fileId } = await startUpload();
      await storePart(fileId, 1, scriptBytes(100));
      const view = await completed(fileId, { parts: 1 });
      expect(await completed(fileId, { parts: 1, sha256: view.sha256 })).toEqual(view);
      expect(await refusal(complete(fileId, { parts: 2 }))).toMatchObject({
        status: 422,
        code: "part-invalid",
        detail: "the file is complete, and has 1 parts",
      });
    });

    test("returns one view to two calls at the same time", async () => {
      const { fileId } = await startUpload();
      await storePart(fileId, 1, PARTS[0]);
      await storePart(fileId, 2, PARTS[2]);
      const [first, second] = await Promise.all([
        completed(fileId, { parts: 2 }),
        completed(fileId, { parts: 2 }),
      ]);
      expect(second).toEqual(first);
    });

    test("succeeds after a call that broke off when the store had made the file", async () => {
      const { fileId } = await startUpload();
      await storePart(fileId, 1, PARTS[0]);
      await storePart(fileId, 2, PARTS[2]);
      const begun = unwrap(await jobs().beginCompletion(fileId, { parts: 2, sha256: null }));
      if ("view" in begun) throw new Error("the file is not completed");
      await store.completeUpload(begun.upload, begun.parts);
      expect(await refusal(putPart(fileId, 1, PARTS[1]))).toMatchObject({
        status: 422,
        code: "part-invalid",
        detail: expect.stringContaining("the store takes no more parts of the file"),
      });
      const { sha256 } = await completed(fileId, { parts: 2 });
      expect(sha256).toBe(await sha256Of(concatBytes([PARTS[0], PARTS[2]])));
    });

    test("names a part that a late upload has replaced, and succeeds once it is sent again", async () => {
      const { fileId } = await startUpload();
      const sent = { fileId, number: 1, bytes: 100 };
      const late = unwrap(await jobs().beginPart(sent));
      await storePart(fileId, 1, scriptBytes(100, 1));
      await storePart(fileId, 2, scriptBytes(100, 3));
      const part = await store.putPart(late.upload, 1, scriptBytes(100, 2));
      const { attempt } = late;
      expect(await jobs().recordPart(fileId, { attempt, part })).toMatchObject({
        ok: false,
        failure: { code: "part-invalid" },
      });
      expect(await refusal(complete(fileId, { parts: 1 }))).toEqual({
        status: 422,
        code: "part-invalid",
        detail: "uploads of the same part overlapped: upload part 1 again, then complete the file",
      });
      expect(await uploadView(fileId)).toMatchObject({ storedParts: [{ first: 2, last: 2 }] });
      await storePart(fileId, 1, scriptBytes(100, 1));
      const { sha256 } = await completed(fileId, { parts: 1 });
      expect(sha256).toBe(await sha256Of(scriptBytes(100, 1)));
    });

    test("refuses a file whose upload the store has lost", async () => {
      const { fileId } = await startUpload();
      await storePart(fileId, 1, scriptBytes(100));
      await store.abortUpload(await storedAs(fileId));
      expect(await refusal(complete(fileId, { parts: 1 }))).toEqual({
        status: 422,
        code: "file-differs",
        detail: "the store does not have the parts that it confirmed",
      });
    });

    test("gets all of 10,000 parts from the jobs object", async () => {
      const { fileId } = await startUpload();
      await inJobs(
        `INSERT INTO tmp_export_file_parts
           WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${PARTS_MAX})
           SELECT ?, i, 1, hex(zeroblob(100)), ${PART_BYTES_MIN} FROM n`,
        fileId,
      );
      const completion = { parts: PARTS_MAX, sha256: null };
      const begun = unwrap(await jobs().beginCompletion(fileId, completion));
      if ("view" in begun) throw new Error("the file is not completed");
      expect(begun.parts).toHaveLength(PARTS_MAX);
      expect(begun.parts.at(-1)).toMatchObject({ number: PARTS_MAX, bytes: PART_BYTES_MIN });
      expect(begun.bytes).toBe(PARTS_MAX * PART_BYTES_MIN);
      expect(await uploadView(fileId)).toMatchObject({
        parts: PARTS_MAX,
        storedParts: [{ first: 1, last: PARTS_MAX }],
      });
    });
  });

  describe(`input that is not valid in ${storeName} is refused:`, () => {
    test.each([
      [{}, "name"],
      [{ name: "" }, "name"],
      [{ name: "a", bytes: 0 }, "bytes"],
      [{ name: "a", bytes: -1 }, "bytes"],
      [{ name: "a", bytes: 1.5 }, "bytes"],
      [{ name: "a", bytes: PARTS_MAX * PART_BYTES_MIN + 1 }, "bytes"],
      [{ name: "a", sha256: "abc" }, "sha256"],
      [{ name: "a", path: "/etc" }, "path"],
    ])("a start with %j names the field %s", async (body, path) => {
      const response = await api("/import/files", { method: "POST", body: JSON.stringify(body) });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid-request", issues: [{ path }] });
    });

    test.each([[{}], [{ parts: 0 }], [{ parts: PARTS_MAX + 1 }], [{ parts: "1" }]])(
      "a completion with %j",
      async (body) => {
        const { fileId } = await startUpload();
        expect(await refusal(complete(fileId, body))).toMatchObject({
          status: 400,
          code: "invalid-request",
        });
      },
    );

    test.each([UNKNOWN, "x", "%00"])("the file id %s", async (fileId) => {
      const unknown = { status: 404, code: "file-not-found" };
      expect(await refusal(api(`/import/files/${fileId}`))).toMatchObject(unknown);
      expect(await refusal(putPart(fileId, 1, scriptBytes(10)))).toMatchObject(unknown);
      expect(await refusal(complete(fileId, { parts: 1 }))).toMatchObject(unknown);
    });
  });

  describe(`a file in ${storeName} that is deleted`, () => {
    test("leaves nothing, complete or not, and is deleted again without an error", async () => {
      const { fileId } = await startUpload();
      await storePart(fileId, 1, PARTS[0]);
      const upload = await storedAs(fileId);
      const made = await makeFile();
      for (const id of [fileId, made, UNKNOWN]) {
        expect((await remove(id)).status).toBe(204);
        expect((await remove(id)).status).toBe(204);
        expect(await leftOf(id)).toBe(0);
        expect((await api(`/import/files/${id}`)).status).toBe(404);
      }
      await expect(store.putPart(upload, 2, scriptBytes(10))).rejects.toThrow();
    });

    test("is removed once more by the watchdog, a minute later", async () => {
      const fileId = await makeFile();
      const { key } = await storedAs(fileId);
      await remove(fileId);
      // What a killed call sends late.
      await (env.EXPORT_R2_BUCKET as R2Bucket | undefined)?.put(key, "late");
      await passHours(1);
      await runSetAlarm(2 * 60_000);
      expect(await leftOf(fileId)).toBe(0);
      const discards = "SELECT 1 FROM tmp_export_job_discards WHERE job_id = ?";
      expect(await inJobs(discards, fileId)).toEqual([]);
    });

    test("while its completion runs is not found by that", async () => {
      const { fileId } = await startUpload();
      await storePart(fileId, 1, scriptBytes(100));
      const begun = unwrap(await jobs().beginCompletion(fileId, { parts: 1, sha256: null }));
      if ("view" in begun) throw new Error("the file is not completed");
      await remove(fileId);
      await expect(store.completeUpload(begun.upload, begun.parts)).rejects.toThrow();
      expect(await refusal(complete(fileId, { parts: 1 }))).toMatchObject({ status: 404 });
      expect(await leftOf(fileId)).toBe(0);
    });
  });

  describe(`a file in ${storeName} that a job uses`, () => {
    test("is described to the job, once it is completed", async () => {
      const { fileId } = await startUpload({ name: "used.sql" });
      const jobId = await insertOrphan();
      await storePart(fileId, 1, scriptBytes(100));
      expect(await jobs().useFile(fileId, jobId)).toMatchObject({
        ok: false,
        failure: { code: "file-not-complete" },
      });
      expect(await jobs().useFile(UNKNOWN, jobId)).toMatchObject({
        ok: false,
        failure: { code: "file-not-found" },
      });
      await completed(fileId, { parts: 1 });
      const used = unwrap(await jobs().useFile(fileId, jobId));
      const { key } = await storedAs(fileId);
      expect(used).toEqual({
        key,
        etag: (await store.find(key))?.etag,
        bytes: 100,
        sha256: await sha256Of(scriptBytes(100)),
        name: "used.sql",
      });
      await api(`/export/dump/${jobId}`, { method: "DELETE" });
    });

    test("is not deleted while one of its jobs is active", async () => {
      const fileId = await makeFile();
      const [first, second] = [await insertOrphan(), await insertOrphan()];
      for (const jobId of [first, second]) unwrap(await jobs().useFile(fileId, jobId));
      for (const [active, ended] of [
        [first, second],
        [first, undefined],
      ]) {
        if (ended !== undefined) await api(`/export/dump/${ended}`, { method: "DELETE" });
        expect(await refusal(remove(fileId))).toEqual({
          status: 409,
          code: "file-in-use",
          detail: `job ${active} reads the file`,
        });
      }
      await api(`/export/dump/${first}`, { method: "DELETE" });
      expect((await remove(fileId)).status).toBe(204);
    });
  });

  describe(`a day after its last use a file in ${storeName}`, () => {
    test("is gone with everything stored of it, complete or not", async () => {
      const { fileId, expiresAt, createdAt } = await startUpload();
      expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(24 * HOUR_MS);
      await storePart(fileId, 1, PARTS[0]);
      const upload = await storedAs(fileId);
      const made = await makeFile();
      const { fileId: fresh } = await startUpload();
      await passHours(23);
      await storePart(fresh, 1, scriptBytes(10));
      await runAlarm();
      for (const id of [fileId, made, fresh]) expect(await leftOf(id)).toBeGreaterThan(0);
      await passHours(1);
      await runSetAlarm(24 * HOUR_MS);
      for (const id of [fileId, made]) {
        expect(await leftOf(id)).toBe(0);
        expect((await api(`/import/files/${id}`)).status).toBe(404);
      }
      await expect(store.putPart(upload, 2, scriptBytes(10))).rejects.toThrow();
      expect(await uploadView(fresh)).toMatchObject({ parts: 1 });
    });

    test("stays while a job reads it, and for a day after the job has ended", async () => {
      const fileId = await makeFile();
      const jobId = await insertOrphan();
      unwrap(await jobs().useFile(fileId, jobId));
      await passHours(30);
      await runAlarm();
      expect(await uploadView(fileId)).toMatchObject({ status: "completed" });
      await api(`/export/dump/${jobId}`, { method: "DELETE" });
      await passHours(30);
      await runAlarm();
      expect(await uploadView(fileId)).toMatchObject({ status: "completed" });
      await passHours(24);
      await runAlarm();
      expect(await leftOf(fileId)).toBe(0);
    });

    test("is what the alarm is set for", async () => {
      await startUpload();
      await inJobs(`UPDATE tmp_export_files SET used_at_ms = ${Date.now() - 23 * HOUR_MS}`);
      await runAlarm();
      await runSetAlarm(HOUR_MS);
    });
  });
}
