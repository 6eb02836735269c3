import { readSettings } from "../config/settings.ts";
import { ExportError } from "../api/errors.ts";
import { openArtifactStore } from "../storage/open-artifact-store.ts";
import type { JobsContext } from "./jobs-context.ts";

/**
 * Requires space for `bytes` more of a job's files, if the deployment's store keeps them in the
 * jobs database. Errors: as `requireRoom`.
 */
export function requireSpaceForFiles(context: JobsContext, bytes: number): void {
  if (openArtifactStore(context.env).usesJobsDatabase) requireRoom(context, bytes);
}

/**
 * Requires space for `bytes` more in the jobs database. It compares the size of the database, since
 * that is what Cloudflare limits. Reading it costs nothing, it excludes free pages, and unlike a
 * stored sum it is always right. Errors: `inline-storage-full`, `configuration-invalid`.
 */
export function requireRoom({ sql, env }: JobsContext, bytes: number): void {
  const { inlineBytesMax } = readSettings(env);
  if (sql.databaseSize + bytes <= inlineBytesMax) return;
  throw new ExportError(
    "inline-storage-full",
    `inline files would need ${sql.databaseSize + bytes} bytes, but EXPORT_INLINE_BYTES_MAX allows ${inlineBytesMax}`,
  );
}
