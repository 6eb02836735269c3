import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

import type { UploadedPart, UploadView } from "../../src/api/upload.ts";
import { api } from "./api.ts";
import { inJobs, inlineRowsOf } from "./writing-job.ts";

const jobs = () => env.EXPORT_JOBS.getByName("jobs");

/** Bytes that differ from place to place. */
export function scriptBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return state >> 16;
  });
}

/** A call that must succeed. */
async function answerOf<T>(path: string, init: RequestInit): Promise<T> {
  const response = await api(path, init);
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json<T>();
}

export function startUpload(body: object = {}): Promise<UploadView> {
  return answerOf("/import/files", {
    method: "POST",
    body: JSON.stringify({ name: "dump.sql", ...body }),
  });
}

export function putPart(
  fileId: string,
  number: number | string,
  bytes: Uint8Array<ArrayBuffer>,
  headers: HeadersInit = {},
): Promise<Response> {
  return api(`/import/files/${fileId}/parts/${number}`, { method: "PUT", body: bytes, headers });
}

/** Uploads a part, which must be stored. */
export async function storePart(
  fileId: string,
  number: number,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<UploadedPart> {
  const response = await putPart(fileId, number, bytes);
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json<UploadedPart>();
}

export function complete(fileId: string, body: object): Promise<Response> {
  const init = { method: "POST", body: JSON.stringify(body) };
  return api(`/import/files/${fileId}/complete`, init);
}

/** Completes an upload, which must succeed. */
export function completed(fileId: string, body: object): Promise<UploadView> {
  return answerOf(`/import/files/${fileId}/complete`, {
    method: "POST",
    body: JSON.stringify(body),
  });
}

export function uploadView(fileId: string): Promise<UploadView> {
  return answerOf(`/import/files/${fileId}`, {});
}

/** Status and code of a refused call, and what its detail says. */
export async function refusal(
  response: Response | Promise<Response>,
): Promise<{ status: number; code: string; detail: string }> {
  const answer = await response;
  const { code, detail } = await answer.json<{ code: string; detail: string }>();
  return { status: answer.status, code, detail };
}

/** Where the store has a file, and the id of its upload. */
export async function storedAs(fileId: string): Promise<{ key: string; uploadId: string }> {
  const [row] = await inJobs<{ key: string; uploadId: string }>(
    "SELECT object_key AS key, upload_id AS uploadId FROM tmp_export_files WHERE file_id = ?",
    fileId,
  );
  if (row === undefined) throw new Error(`there is no file ${fileId}`);
  return row;
}

/** What is left of a file: rows of the jobs' database, and objects of the bucket if there is one. */
export async function leftOf(fileId: string): Promise<number> {
  const [row] = await inJobs<{ n: number }>(
    `SELECT (SELECT count(*) FROM tmp_export_files WHERE file_id = ?1)
       + (SELECT count(*) FROM tmp_export_file_parts WHERE file_id = ?1) AS n`,
    fileId,
  );
  const bucket = env.EXPORT_R2_BUCKET as R2Bucket | undefined;
  const listed = await bucket?.list({ prefix: `imports/${fileId}/` });
  return (row?.n ?? 0) + (await inlineRowsOf(fileId)) + (listed?.objects.length ?? 0);
}

/** Lets time pass for everything that is kept of uploads. */
export async function passHours(hours: number): Promise<void> {
  const ms = hours * 3_600_000;
  await inJobs("UPDATE tmp_export_files SET used_at_ms = used_at_ms - ?", ms);
  await inJobs("UPDATE tmp_export_job_discards SET discarded_at_ms = discarded_at_ms - ?", ms);
}

/** Runs the alarm that the watchdog has set, which must be due within `withinMs`. */
export async function runSetAlarm(withinMs: number): Promise<void> {
  const atMs = await runInDurableObject(jobs(), (_, { storage }) => storage.getAlarm());
  if (atMs === null || atMs > Date.now() + withinMs) throw new Error(`the alarm is at ${atMs}`);
  await runDurableObjectAlarm(jobs());
}

/** Runs an alarm now. */
export async function runAlarm(): Promise<void> {
  await runInDurableObject(jobs(), (_, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
  await runDurableObjectAlarm(jobs());
}
