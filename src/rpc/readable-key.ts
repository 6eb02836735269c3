import { createHash } from "node:crypto";

import type { SourceObject } from "../api/source-config.ts";
import { encodeUtf8 } from "../lib/bytes.ts";

/** What a readable key or file name shows of a job. */
export interface NamedJob {
  jobId: string;
  source: string;
  object: SourceObject;
  /** When the job was created, in milliseconds. */
  createdAtMs: number;
}

/** The most characters of an escaped name that is not cut. */
const NAME_CHARS_MAX = 120;
/** How many characters remain of a name that is cut, at most. */
const CUT_CHARS = 80;
/** How many hex digits of its SHA-256 follow a name that is cut: enough that no two are the same. */
const HASH_CHARS = 32;
/** How many characters of the job's id a key shows. */
const ID_CHARS = 8;

/** The last segments of a readable folder: the date, the time and the id. */
const READABLE_FOLDER = /\/\d{4}\/\d\d\/\d\d\/\d{8}T\d{6}Z-[0-9a-f-]+\//;

/** Characters that need no escape in a URL, in an S3 key, or in a file's name on any system. */
const PLAIN = /^[A-Za-z0-9_-]$/;

/**
 * Returns the readable folder of a job's files, which ends with `/`, such as
 * `main/acme/2026/11/28/20261128T031700Z-0b1f2c3d/`. It is ASCII, has no segment `.` or `..`, and
 * at most 300 characters. Two databases never have the same folder. Two jobs of one database have
 * the same folder only if they start in the same second and their ids begin with the same 8 digits.
 * `withWholeId` makes the folder unique.
 */
export function toReadableFolder({ jobId, source, object, createdAtMs }: NamedJob): string {
  const stamp = toStamp(createdAtMs);
  const names = [escapeName(source), ...(object === null ? [] : [escapeObject(object)])];
  const date = [stamp.slice(0, 4), stamp.slice(4, 6), stamp.slice(6, 8)];
  return `${[...names, ...date, `${stamp}-${toShortId(jobId)}`].join("/")}/`;
}

/** Returns the beginning of a job's id that its readable folder shows: 8 hex digits. */
export function toShortId(jobId: string): string {
  return jobId.slice(0, ID_CHARS);
}

/** Returns a job's readable folder with the whole id in place of its beginning. No other job has it. */
export function withWholeId(folder: string, jobId: string): string {
  return `${folder.slice(0, -1)}${jobId.slice(ID_CHARS)}/`;
}

/**
 * Returns a readable folder of a job for its plan `number`, in place of any earlier number. Plans are counted from 1,
 * and the first has no number. No two plans share a folder, so that neither a late attempt of an earlier plan nor its
 * removal touches a file of a later one.
 */
export function withPlanNumber(
  folder: string,
  { jobId, number }: { jobId: string; number: number },
): string {
  const id = folder.includes(jobId) ? jobId : toShortId(jobId);
  const end = folder.lastIndexOf(id) + id.length;
  return `${folder.slice(0, end)}${number === 1 ? "" : `-${number}`}/`;
}

/** True if a key is that of a file in a readable folder, below any prefix. */
export function isReadableKey(objectKey: string): boolean {
  return READABLE_FOLDER.test(objectKey);
}

/**
 * Returns the name under which a file of a job is downloaded, such as
 * `main-acme-20261128T031700Z.sql.gz`. `suffix` starts with what follows the time. The name is
 * ASCII and a valid file name on every system. It is not unique: `a-b` of `c` and `b-c` of `a` look
 * the same.
 */
export function toDownloadName({ source, object, createdAtMs }: NamedJob, suffix: string): string {
  const names = [escapeName(source), ...(object === null ? [] : [escapeObject(object)])];
  return `${[...names, toStamp(createdAtMs)].join("-")}${suffix}`;
}

/** Returns a time as ISO 8601's basic format in UTC, without fractions of a second. */
function toStamp(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, "");
}

/** An id and a name of the same digits differ: no escaped name contains `id~`. */
function escapeObject(object: NonNullable<SourceObject>): string {
  return "name" in object ? escapeName(object.name) : `id~${object.id}`;
}

/**
 * Returns a name of which every character but letters, digits, `_`, `-` and inner dots is
 * percent-encoded. A long name is cut and followed by `~` and its hash. No two names have the same
 * escaped form.
 */
function escapeName(name: string): string {
  let escaped = "";
  let cut = "";
  for (const char of name) {
    const isPlain = PLAIN.test(char) || (char === "." && escaped !== "");
    escaped += isPlain ? char : escapeChar(char);
    if (escaped.length <= CUT_CHARS) cut = escaped;
  }
  if (escaped.length <= NAME_CHARS_MAX) return escaped;
  const hash = createHash("sha256").update(escaped).digest("hex");
  return `${cut}~${hash.slice(0, HASH_CHARS)}`;
}

function escapeChar(char: string): string {
  // Half of a pair has no UTF-8.
  if (!char.isWellFormed()) return `%u${char.charCodeAt(0).toString(16).toUpperCase()}`;
  return Array.from(
    encodeUtf8(char),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}
