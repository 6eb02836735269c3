/**
 * The names this project uses inside a customer's database. Everything starts with
 * `tmp_export_snapshot` or is the staging table of a dump being loaded, so that whoever meets
 * one in an error message knows where it comes from.
 */
export const SNAPSHOT_PREFIX = "tmp_export_snapshot";
export const STAGE_TABLE = "tmp_export_stage";
/** Pieces of a large entry of a key-value storage that is being restored. */
export const KEY_VALUE_STAGE_TABLE = "tmp_export_stage_key_values";

/** The tables of `ExportJobs`, left out should its own database ever be a source. */
const JOB_PREFIX = "tmp_export_job";
const STREAMS_TABLE = "tmp_export_streams";

/** True for this project's own tables and triggers, which no dump holds. */
export function isOwnObject(name: string): boolean {
  return (
    name === STAGE_TABLE ||
    name === KEY_VALUE_STAGE_TABLE ||
    name === SNAPSHOT_PREFIX ||
    name.startsWith(`${SNAPSHOT_PREFIX}_`) ||
    name === `${JOB_PREFIX}s` ||
    name === STREAMS_TABLE ||
    name.startsWith(`${JOB_PREFIX}_`)
  );
}

/** True for tables of SQLite, Cloudflare's runtime and its local simulator, which no dump holds. */
export function isForeignObject(name: string): boolean {
  const lower = name.toLowerCase();
  return lower.startsWith("sqlite_") || lower.startsWith("_cf_") || lower.startsWith("__miniflare");
}
