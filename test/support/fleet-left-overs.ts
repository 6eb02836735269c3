import type { DatabaseSync } from "node:sqlite";

import type { FleetState } from "../../src/rpc/fleet-jobs.ts";
import { toIdFolder, toManifestKey, toPackKeys } from "../../src/rpc/object-key.ts";
import { listBucket, openObjects } from "./object-files.ts";

/** What the folders of the Worker's classes begin with: the name in demo/tenants/wrangler.jsonc. */
const WORKER = "durable-export-tenants";

/**
 * Returns how many things the watchdog will still remove: discarded files, and the exports of deleted fleets. The
 * runtime may work.
 */
export function countUnsettled(state: string): number {
  return withJobs(state, (jobs) => {
    const row = jobs
      .prepare(
        `SELECT (SELECT count(*) FROM tmp_export_job_discards) + (SELECT count(*) FROM tmp_export_jobs
           WHERE kind = 'export' AND state = 'completed'
             AND job_id NOT IN (SELECT export_id FROM tmp_export_fleet_exports WHERE export_id IS NOT NULL)) AS n`,
      )
      .get();
    return Number(row?.["n"]);
  });
}

/**
 * Returns what is wrong with the state of a stopped runtime, in sentences: each object of the bucket must be a file that
 * a job has recorded, each recorded file must be there, and no tenant may have a table of an export.
 */
export function findLeftOvers(state: string): string[] {
  const { keys, uploads } = listBucket(state);
  const stored = new Set(keys);
  const known = new Set(withJobs(state, listKnownKeys));
  return [
    ...keys.filter((key) => !known.has(key)).map((key) => `no job knows the object ${key}`),
    ...[...known].filter((key) => !stored.has(key)).map((key) => `the object ${key} is missing`),
    ...uploads.map((key) => `an upload of ${key} is open`),
    ...listTemporaryTables(state),
    ...withJobs(state, listLostExports),
  ];
}

function withJobs<T>(state: string, work: (jobs: DatabaseSync) => T): T {
  const objects = openObjects(state, `${WORKER}-ExportJobs`, { readOnly: true });
  const jobs = objects.get("jobs");
  if (jobs === undefined) throw new Error(`no jobs object in ${state}`);
  try {
    return work(jobs);
  } finally {
    for (const db of objects.values()) db.close();
  }
}

interface FilesRow {
  job_id: string;
  snapshot_id: string;
  folder: string | null;
}

interface FleetRow extends FilesRow {
  fleet_json: string;
}

/** Returns the keys of the files of every completed job. */
function listKnownKeys(jobs: DatabaseSync): string[] {
  const all = <T>(sql: string, ...params: string[]): T[] => jobs.prepare(sql).all(...params) as T[];
  const exports = all<FilesRow>(
    "SELECT job_id, snapshot_id, folder FROM tmp_export_jobs WHERE kind <> 'fleet' AND state = 'completed'",
  );
  const fleets = all<FleetRow>(
    "SELECT job_id, snapshot_id, folder, fleet_json FROM tmp_export_jobs WHERE kind = 'fleet' AND state = 'completed'",
  );
  return [
    ...all<{ object_key: string }>("SELECT object_key FROM tmp_export_job_artifacts").map(
      (row) => row.object_key,
    ),
    ...[...exports, ...fleets].map((job) => toManifestKey({ folder: folderOf(job) })),
    ...fleets.flatMap((fleet) => {
      const { list } = JSON.parse(fleet.fleet_json) as FleetState;
      const packs = all<{ number: number; attempt: string }>(
        "SELECT number, attempt FROM tmp_export_fleet_packs WHERE job_id = ?",
        fleet.job_id,
      );
      return [
        ...(list === null ? [] : [list.key]),
        ...packs.flatMap((pack) =>
          Object.values(toPackKeys({ folder: folderOf(fleet), suffix: ".sql", ...pack })),
        ),
      ];
    }),
  ];
}

function folderOf({ job_id: jobId, snapshot_id: snapshotId, folder }: FilesRow): string {
  return folder ?? toIdFolder({ jobId, snapshotId });
}

/** Returns the export jobs that belong to no member of a fleet, or to more than one. Those of deleted fleets expire. */
function listLostExports(jobs: DatabaseSync): string[] {
  return jobs
    .prepare(
      `SELECT job_id, (SELECT count(*) FROM tmp_export_fleet_exports WHERE export_id = j.job_id) AS members
       FROM tmp_export_jobs j WHERE kind = 'export' AND state <> 'expired' AND members <> 1`,
    )
    .all()
    .map(
      (row) =>
        `the export job ${String(row["job_id"])} belongs to ${Number(row["members"])} members`,
    );
}

function listTemporaryTables(state: string): string[] {
  const tenants = openObjects(state, `${WORKER}-Database`);
  return [...tenants].flatMap(([name, db]) => {
    const rows = db
      .prepare("SELECT name FROM sqlite_master WHERE name LIKE 'tmp!_export%' ESCAPE '!'")
      .all();
    db.close();
    return rows.map((row) => `${name} still has the table ${String(row["name"])}`);
  });
}
