import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";

import * as v from "valibot";

import { parseJson } from "../src/lib/parse-json.ts";
import type { RequestBody } from "./api-client.ts";
import { writeWhole } from "./output-place.ts";
import { diskError } from "./partial-file.ts";

/** Older exports are not resumed, because a nightly backup must not be yesterday's. */
export const RESUME_HOURS_MAX = 6;

const RecordSchema = v.object({
  version: v.literal(1),
  url: v.string(),
  request: v.record(v.string(), v.unknown()),
  idempotencyKey: v.string(),
  startedAt: v.pipe(v.string(), v.isoTimestamp()),
});

/**
 * The record that `dump` saves next to its output before it starts a job, so that it finds the job
 * after it was killed.
 */
export type ResumeRecord = v.InferOutput<typeof RecordSchema>;

/** Next to the future file or folder. */
export function resumePathOf(output: string): string {
  return `${output.replace(/[/\\]+$/, "")}.part.json`;
}

/**
 * Returns the record of an unfinished `dump` with the same request and output. Undefined if there is none, or if it
 * belongs to another request or Worker, is too old, or is unreadable.
 */
export async function findResumeRecord(
  path: string,
  { url, request, nowMs }: { url: string; request: RequestBody; nowMs: number },
): Promise<ResumeRecord | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw diskError(error, path);
  }
  const parsed = v.safeParse(RecordSchema, parseJson(text));
  if (!parsed.success) return undefined;
  const record = parsed.output;
  const ageMs = nowMs - Date.parse(record.startedAt);
  const isSame = record.url === url && JSON.stringify(record.request) === JSON.stringify(request);
  return isSame && ageMs < RESUME_HOURS_MAX * 3_600_000 ? record : undefined;
}

/** Writes a record with a new Idempotency-Key. */
export async function writeResumeRecord(
  path: string,
  { url, request, nowMs }: { url: string; request: RequestBody; nowMs: number },
): Promise<ResumeRecord> {
  const record: ResumeRecord = {
    version: 1,
    url,
    request,
    idempotencyKey: randomUUID(),
    startedAt: new Date(nowMs).toISOString(),
  };
  await writeWhole(path, `${JSON.stringify(record, null, 2)}\n`);
  return record;
}

export async function removeResumeRecord(path: string): Promise<void> {
  await rm(path, { force: true });
}
