import { readSettings } from "../config/settings.ts";
import { ExportError } from "../api/errors.ts";
import type { JobsContext } from "./jobs-context.ts";

/**
 * Sees to it that `bytes` more may be kept beside the jobs. What counts is the size of the object's
 * database: it is what Cloudflare bounds, it costs nothing to ask for, free pages are no part of it,
 * and it cannot go out of step as a sum kept beside the files could. Errors: `inline-storage-full`,
 * `configuration-invalid`.
 */
export function requireRoom({ sql, env }: JobsContext, bytes: number): void {
  const { inlineBytesMax } = readSettings(env);
  if (sql.databaseSize + bytes <= inlineBytesMax) return;
  throw new ExportError(
    "inline-storage-full",
    `files beside the jobs would make ${sql.databaseSize + bytes} bytes where EXPORT_INLINE_BYTES_MAX allows ${inlineBytesMax}`,
  );
}
