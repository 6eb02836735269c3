import { createHash } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

import * as v from "valibot";

import type { RestoreBody } from "./restore-client.ts";
import { writeWhole } from "./output-place.ts";
import { RESUME_HOURS_MAX } from "./resume-record.ts";
import type { ScriptInput } from "./script-input.ts";

const RecordSchema = v.object({
  version: v.literal(1),
  url: v.string(),
  path: v.string(),
  bytes: v.number(),
  mtimeMs: v.number(),
  sha256: v.string(),
  fileId: v.string(),
  /** The restore that was started with the file; null before that. */
  restore: v.nullable(
    v.object({
      request: v.record(v.string(), v.unknown()),
      idempotencyKey: v.string(),
      startedAt: v.pipe(v.string(), v.isoTimestamp()),
    }),
  ),
});

/**
 * What `restore` records before it uploads a file, so that the same command can resume both the upload and the
 * restore.
 */
export type UploadRecord = v.InferOutput<typeof RecordSchema>;

/** What identifies an upload: the same file, unchanged, for the same Worker. */
export interface UploadKey {
  url: string;
  identity: ScriptInput["identity"];
  sha256: string;
}

/** The folder of these records. The file's own folder may be read-only, and standard input has none. */
export function uploadRecordPath(key: UploadKey, env: Record<string, string | undefined>): string {
  const base = env["XDG_CACHE_HOME"];
  const caches =
    base === undefined || base === "" ? join(env["HOME"] ?? homedir(), ".cache") : base;
  const name = createHash("sha256")
    .update(JSON.stringify(toFields(key)))
    .digest("hex");
  return join(caches, "durable-export", "uploads", `${name.slice(0, 32)}.json`);
}

/**
 * Returns the record of an earlier `restore` of the same file to the same Worker; undefined if there is none, or if
 * it is unreadable.
 */
export async function findUploadRecord(
  path: string,
  key: UploadKey,
): Promise<UploadRecord | undefined> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(RecordSchema, json);
  if (!parsed.success) return undefined;
  const record = parsed.output;
  return Object.entries(toFields(key)).every(([name, value]) => {
    return record[name as keyof UploadRecord] === value;
  })
    ? record
    : undefined;
}

/** Returns the Idempotency-Key of an earlier restore with the same request, unless it is too old. */
export function findRestoreKey(
  record: UploadRecord,
  request: RestoreBody,
  nowMs: number,
): string | undefined {
  const { restore } = record;
  if (restore === null) return undefined;
  const isSame = JSON.stringify(restore.request) === JSON.stringify(request);
  const isNew = nowMs - Date.parse(restore.startedAt) < RESUME_HOURS_MAX * 3_600_000;
  return isSame && isNew ? restore.idempotencyKey : undefined;
}

/** Writes a record. Errors: `file` for disk errors. */
export async function writeUploadRecord(
  path: string,
  key: UploadKey,
  rest: Pick<UploadRecord, "fileId" | "restore">,
): Promise<void> {
  const record: UploadRecord = { version: 1, ...toFields(key), ...rest };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeWhole(path, `${JSON.stringify(record, null, 2)}\n`);
}

export async function removeUploadRecord(path: string): Promise<void> {
  await rm(path, { force: true });
}

function toFields({ url, identity, sha256 }: UploadKey) {
  const { path, bytes, mtimeMs } = identity;
  return { url, path, bytes, mtimeMs, sha256 };
}
