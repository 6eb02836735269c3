import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { JOB_STATES } from "../../src/api/job-state.ts";

const TABLES = "src/jobs/tables";
const INLINE = "src/storage/inline/";

/** The files, or the folder, that may name each table of the jobs database, in SQL or else. */
const OWNERS: Record<string, readonly string[]> = {
  tmp_export_jobs: [
    "rows",
    "list",
    "run-columns",
    "queue-columns",
    "plan-columns",
    "callback-columns",
    "due-columns",
    "restore-columns",
    "proof-columns",
    "copying-columns",
    "series-columns",
    "fleet-columns",
  ].map((name) => `${TABLES}/job-${name}.ts`),
  // Indexes that a statement names.
  tmp_export_jobs_active: [`${TABLES}/job-restore-columns.ts`],
  tmp_export_jobs_restore_unclosed: [`${TABLES}/job-restore-columns.ts`],
  tmp_export_jobs_expiring: [`${TABLES}/job-list.ts`],
  tmp_export_job_tables: [`${TABLES}/table-rows.ts`],
  tmp_export_job_artifacts: [`${TABLES}/artifact-rows.ts`, `${TABLES}/artifact-sealing-columns.ts`],
  tmp_export_job_chunks: [`${TABLES}/chunk-rows.ts`],
  tmp_export_job_blobs: [`${TABLES}/blob-rows.ts`, INLINE],
  tmp_export_job_discards: [`${TABLES}/discard-rows.ts`],
  tmp_export_job_copies: [`${TABLES}/copy-rows.ts`],
  tmp_export_job_copy_parts: [`${TABLES}/copy-rows.ts`],
  tmp_export_job_copy_discards: [`${TABLES}/copy-discard-rows.ts`],
  tmp_export_job_uploads: [INLINE],
  tmp_export_job_parts: [INLINE],
  tmp_export_streams: [`${TABLES}/stream-rows.ts`],
  tmp_export_files: [`${TABLES}/file-rows.ts`],
  tmp_export_file_parts: [`${TABLES}/file-part-rows.ts`],
  tmp_export_job_migrations: ["src/jobs/migrate.ts"],
  tmp_export_fleet_packs: [`${TABLES}/fleet-pack-rows.ts`],
  tmp_export_fleet_failures: [`${TABLES}/fleet-failure-rows.ts`],
  tmp_export_fleet_exports: [`${TABLES}/fleet-export-rows.ts`],
};

/** The first makes the tables; the second knows their names, so that no dump contains them. */
const KNOWS_ALL = new Set(["src/jobs/migrations.ts", "src/sqlite/own-objects.ts"]);

/** A name of a table, or the beginning of one that a program completes. */
const TABLE_NAME = /\btmp_export_(?:jobs?|streams?|files?|fleets?)(?:_\w*)?/g;

/** A state in SQL: programs write theirs in double quotes. */
const STATE = new RegExp(`'(?:${JOB_STATES.join("|")})'`, "g");

/** Returns a sentence for each table of the jobs database that is named outside the file that owns it. */
export function misplacedTables(root: string): string[] {
  return listFiles(root, "src/**/*.ts")
    .filter(({ file }) => !KNOWS_ALL.has(file))
    .flatMap(({ file, code }) =>
      [...code.matchAll(TABLE_NAME)]
        .filter(([name]) => !OWNERS[name]?.some((owner) => file.startsWith(owner)))
        .map(
          ([name]) =>
            `${file} names ${name}: its SQL belongs into ${(OWNERS[name] ?? [TABLES]).join(", ")}`,
        ),
    );
}

/** Returns a sentence for each state of a job that SQL names by hand. */
export function handWrittenStates(root: string): string[] {
  return listFiles(root, "src/jobs/**/*.ts")
    .filter(({ file }) => !KNOWS_ALL.has(file))
    .flatMap(({ file, code }) =>
      [...code.matchAll(STATE)].map(
        ([state]) => `${file} has ${state} in SQL: use a condition of ${TABLES}/state-sql.ts`,
      ),
    );
}

/** Returns a sentence for each column's JSON that is parsed outside its table's file. */
export function misplacedParsing(root: string): string[] {
  return listFiles(root, "src/jobs/**/*.ts")
    .filter(({ file, code }) => !file.startsWith(`${TABLES}/`) && code.includes("JSON.parse("))
    .map(({ file }) => `${file} parses JSON: a column is parsed once, in ${TABLES}`);
}

/** Returns files without their comments, tests left out. */
function listFiles(root: string, pattern: string): { file: string; code: string }[] {
  return globSync(pattern, { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => !file.endsWith(".test.ts"))
    .map((file) => ({
      file,
      code: readFileSync(join(root, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ""),
    }));
}
