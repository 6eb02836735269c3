import { lowerAscii } from "../lib/ascii-case.ts";
import type { SchemaEntry } from "./catalog.ts";
import { quoteIdentifier } from "./identifier.ts";

/**
 * The names this project uses in a customer's database. Each starts with `tmp_export_snapshot`, or
 * belongs to a dump that is being loaded, so that anyone who meets one in an error message can find
 * its origin.
 */
export const SNAPSHOT_PREFIX = "tmp_export_snapshot";
export const STAGE_TABLE = "tmp_export_stage";
/** Pieces of a large entry of a key-value storage that is being restored. */
export const KEY_VALUE_STAGE_TABLE = "tmp_export_stage_key_values";
export const CREATE_KEY_VALUE_STAGE =
  `CREATE TABLE ${KEY_VALUE_STAGE_TABLE} ` +
  "(key BLOB, part INTEGER, value BLOB, PRIMARY KEY (key, part)) WITHOUT ROWID";

/** The table in which a target of a restore keeps how far it is loaded. */
export const RESTORE_TABLE = "tmp_export_restore";

/** What the names of a restore's staging tables begin with; a number follows. */
export const RESTORE_STAGE_PREFIX = "tmp_export_stage_";

/** Stands in the text of everything that a restore makes for itself in its target. */
export const RESTORE_MARK = "/* durable-export restore */";

/** True for a table, index or trigger that a restore has made for itself in its target, by its name and text. */
export function isRestoreObject(name: string, sql: string): boolean {
  return (
    (name.startsWith(RESTORE_TABLE) || name.startsWith(RESTORE_STAGE_PREFIX)) &&
    sql.includes(RESTORE_MARK)
  );
}

/** Digits of a snapshot's id in the names of its objects. */
export const SNAPSHOT_DIGITS = 16;

/**
 * What the names of a snapshot's objects end in: those that it has once, and those of each table. Version 0.1 made
 * `gathering`.
 */
const SNAPSHOT_ENDS = ["state", "cursor", "gathering", "pages", "texts", "undo", "guard", "count"];
const SNAPSHOT_TABLE_ENDS = ["_undo", "_wide", "_probe", "_copy", "_count", "_count_wide"];
/** Followed by a number if an event has several triggers. */
const SNAPSHOT_EVENT_ENDS = [
  "_on_before_insert",
  "_on_after_insert",
  "_on_before_update",
  "_on_after_update",
  "_on_before_delete",
];

const SNAPSHOT_NAME = new RegExp(
  `^${SNAPSHOT_PREFIX}_[0-9a-f]{${SNAPSHOT_DIGITS}}_` +
    `(?:${SNAPSHOT_ENDS.join("|")}|t[0-9]+(?:${SNAPSHOT_TABLE_ENDS.join("|")}|(?:${SNAPSHOT_EVENT_ENDS.join("|")})(?:_[0-9]+)?))$`,
);

/** True for the full name of a snapshot's table or trigger; a name that only begins like one is the customer's. */
export function isSnapshotName(name: string): boolean {
  return SNAPSHOT_NAME.test(name);
}

/** SQL that is true for just the names for which `isSnapshotName` is. A pattern would be longer than D1 allows. */
export function isSnapshotNameSql(name: string): string {
  const head = `${SNAPSHOT_PREFIX}_`;
  const digits = `substr(${name}, ${head.length + 1}, ${SNAPSHOT_DIGITS})`;
  const end = head.length + SNAPSHOT_DIGITS + 1;
  const listed = (ends: string[]): string => `(${ends.map((each) => `'${each}'`).join(", ")})`;
  const ofTable = `ltrim(substr(${name}, ${end + 2}), '0123456789')`;
  const event = `rtrim(${ofTable}, '0123456789')`;
  const numbered = listed(SNAPSHOT_EVENT_ENDS.map((each) => `${each}_`));
  return (
    `(substr(${name}, 1, ${head.length}) = '${head}' AND ltrim(${digits}, '0123456789abcdef') = '' ` +
    `AND substr(${name}, ${end}, 1) = '_' AND (substr(${name}, ${end + 1}) IN ${listed(SNAPSHOT_ENDS)} ` +
    `OR (substr(${name}, ${end + 1}, 1) = 't' AND substr(${name}, ${end + 2}, 1) BETWEEN '0' AND '9' ` +
    `AND (${ofTable} IN ${listed([...SNAPSHOT_TABLE_ENDS, ...SNAPSHOT_EVENT_ENDS])} ` +
    `OR (${event} IN ${numbered} AND ${event} <> ${ofTable})))))`
  );
}

/** CREATE TABLE of a dump's staging table. A load that breaks off may leave the table behind. */
export function createStageSql(name: string): string {
  return `CREATE TABLE ${quoteIdentifier(name)}(c INTEGER, n INTEGER, s)`;
}

/** The staging table's name in a dump of a database that has objects of the names `taken`. */
export function chooseStageName(taken: readonly string[]): string {
  const names = new Set(taken.map(lowerAscii));
  let name = STAGE_TABLE;
  for (let number = 2; names.has(name); number += 1) name = `${STAGE_TABLE}_${number}`;
  return name;
}

/** The tables of `ExportJobs`. */
const JOB_TABLES: ReadonlySet<string> = new Set([
  "tmp_export_jobs",
  "tmp_export_job_tables",
  "tmp_export_job_artifacts",
  "tmp_export_job_chunks",
  "tmp_export_job_blobs",
  "tmp_export_job_discards",
  "tmp_export_job_uploads",
  "tmp_export_job_parts",
  "tmp_export_job_copies",
  "tmp_export_job_copy_parts",
  "tmp_export_job_copy_discards",
  "tmp_export_job_migrations",
  "tmp_export_streams",
  "tmp_export_files",
  "tmp_export_file_parts",
  "tmp_export_fleet_packs",
  "tmp_export_fleet_failures",
  "tmp_export_fleet_exports",
]);

/**
 * The start of the text of a table by which the database of `ExportJobs` is known; in any other database its
 * names are the customer's. Migrations add columns to the table.
 */
const JOB_MIGRATIONS = "CREATE TABLE tmp_export_job_migrations (number INTEGER PRIMARY KEY";

/** The only object that the local runtime makes in a database (Miniflare, November 2026). */
const RUNTIME_TABLE = "__miniflare_do_name";

/**
 * The objects of a schema that a dump may hold: all but SQLite's, Cloudflare's (nobody else can make
 * names that begin with `sqlite_` or `_cf_`), the local runtime's, and this project's own.
 */
export function withoutOwnObjects(objects: readonly SchemaEntry[]): SchemaEntry[] {
  const isJobsDatabase = objects.some(({ sql }) => sql.startsWith(JOB_MIGRATIONS));
  const isLeftOut = (entry: SchemaEntry): boolean =>
    isForeignName(entry.name) || isOwnObject(entry, isJobsDatabase);
  const tables = new Set(
    objects.flatMap((entry) => (entry.type === "table" && isLeftOut(entry) ? [entry.name] : [])),
  );
  return objects.filter(
    (entry) => !isLeftOut(entry) && !isForeignName(entry.tableName) && !tables.has(entry.tableName),
  );
}

function isOwnObject({ type, name, sql }: SchemaEntry, isJobsDatabase: boolean): boolean {
  if (isRestoreObject(name, sql)) return true;
  if (type !== "table" && type !== "trigger") return false;
  if (isSnapshotName(name)) return true;
  if (type === "trigger") return false;
  if (name === KEY_VALUE_STAGE_TABLE && sql === CREATE_KEY_VALUE_STAGE) return true;
  return isDumpStage(name, sql) || (isJobsDatabase && JOB_TABLES.has(name));
}

/** True for the table in which a dump that is being loaded assembles long rows. */
export function isDumpStage(name: string, sql: string): boolean {
  return sql === createStageSql(name) && isDumpStageName(name);
}

/** True for a name that the table of `isDumpStage` may have. */
export function isDumpStageName(name: string): boolean {
  return new RegExp(`^${STAGE_TABLE}(?:_[0-9]+)?$`).test(name);
}

function isForeignName(name: string): boolean {
  return lowerAscii(name).startsWith("sqlite_") || isPlatformName(name);
}

/** True for the name of a table that only Cloudflare, or its local runtime, may create. */
export function isPlatformName(name: string): boolean {
  return lowerAscii(name).startsWith("_cf_") || name === RUNTIME_TABLE;
}
