import { ExportError } from "../api/errors.ts";
import { FORMATS } from "../api/formats.ts";
import type { RestoreFrom } from "../api/restore-request.ts";
import type { HttpJobs } from "../rpc/http-jobs.ts";
import { unwrap } from "../rpc/outcome.ts";
import { type FleetPlaces, locateMember } from "./packs/locate-member.ts";

/** A stored script, before it is read. */
export interface StoredScript {
  key: string;
  /** The first byte of the script in the object; missing if it is the whole object. */
  offset?: number;
  etag: string;
  bytes: number;
  /** The hash that its bytes must have; null if none is known. */
  sha256: string | null;
  /** The key of its export's manifest; null if the script is not an export's. */
  manifestKey: string | null;
}

/** Where `findScript` looks. */
export interface ScriptPlaces extends FleetPlaces {
  /** Promises, or values if the object itself calls. */
  findExport: (jobId: string) => Promise<Awaited<ReturnType<HttpJobs["download"]>>>;
  useFile: (fileId: string) => Promise<{ key: string; sha256: string }>;
}

/**
 * Finds the script that a restore names. Errors: those of `locateMember` for a fleet; `job-not-found`,
 * `export-not-finished`, `export-expired`, `export-not-downloadable`, `dump-not-restorable` and `dump-sealed` for a job;
 * `file-not-found` and `file-not-complete` for an upload; `script-not-found` for an object; `artifact-missing` if a
 * job's file is gone.
 */
export async function findScript(places: ScriptPlaces, from: RestoreFrom): Promise<StoredScript> {
  const { store, findExport, useFile } = places;
  if ("fleetId" in from) return findMemberScript(places, from);
  if ("object" in from) {
    const found = await store.find(from.object);
    if (found === undefined) {
      throw new ExportError(
        "script-not-found",
        `there is no object ${JSON.stringify(from.object)}`,
      );
    }
    return { key: from.object, ...found, sha256: from.sha256 ?? null, manifestKey: null };
  }
  if ("fileId" in from) {
    const { key, sha256 } = await useFile(from.fileId);
    const found = await store.find(key);
    if (found === undefined) throw new ExportError("file-not-found", `file ${from.fileId} is gone`);
    return { key, ...found, sha256, manifestKey: null };
  }
  const job = unwrap(await findExport(from.jobId));
  requireCompleted(job.jobId, job.state);
  const [artifact] = job.artifacts;
  if (!FORMATS[job.format].isSqlScript || artifact === undefined) {
    throw new ExportError(
      "dump-not-restorable",
      `job ${job.jobId} has exported ${job.format}, and only SQL scripts can be restored`,
    );
  }
  requireSchema(job.content, `job ${job.jobId}`);
  if (artifact.plain !== null) {
    throw new ExportError(
      "dump-sealed",
      `the dump of job ${job.jobId} is sealed for the keys in EXPORT_AGE_RECIPIENTS`,
    );
  }
  const found = await store.find(artifact.objectKey);
  if (found === undefined) {
    throw new ExportError("artifact-missing", `${artifact.name} of job ${job.jobId} is gone`);
  }
  const { manifestKey } = job;
  return { key: artifact.objectKey, ...found, sha256: artifact.sha256, manifestKey };
}

/** A member of a fleet has no manifest: its pack's index has its hash. */
async function findMemberScript(
  places: ScriptPlaces,
  from: Extract<RestoreFrom, { fleetId: string }>,
): Promise<StoredScript> {
  const located = await locateMember(places, from.fleetId, from);
  requireSchema(located.fleet.content, `fleet ${from.fleetId}`);
  if (located.kind === "exported") return findScript(places, { jobId: located.jobId });
  const { pack, member } = located;
  const found = await places.store.find(pack.key);
  if (found?.bytes !== pack.bytes) {
    throw new ExportError(
      "artifact-missing",
      `pack ${pack.number} of fleet ${from.fleetId} is gone`,
    );
  }
  const { offset, bytes, sha256 } = member;
  return { key: pack.key, offset, etag: found.etag, bytes, sha256, manifestKey: null };
}

/** Errors: `dump-not-restorable`. */
function requireSchema(content: string, exporter: string): void {
  if (content !== "data") return;
  throw new ExportError(
    "dump-not-restorable",
    `${exporter} has exported only rows (content: data), and a restore starts without tables`,
  );
}

function requireCompleted(jobId: string, state: string): void {
  if (state === "completed") return;
  if (state === "expired") {
    throw new ExportError("export-expired", `the files of job ${jobId} have expired`);
  }
  const isActive = state === "queued" || state === "running";
  throw new ExportError(
    isActive ? "export-not-finished" : "export-not-downloadable",
    `job ${jobId} is ${state}`,
  );
}
