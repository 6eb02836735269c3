import { type Config, getSourceConfig } from "./env.ts";
import { encodeUtf8, toHex } from "./lib/bytes.ts";
import type { ExportRequest } from "./model/export-request.ts";
import type { NewJob } from "./storage/job-rows.ts";

/**
 * A checked request as a job to be created, with the deployment's defaults filled in. Errors: those
 * of what the request names, such as `source-not-found`.
 */
export async function newJobOf(
  config: Config,
  request: ExportRequest,
  of: { idempotencyKey: string | null; origin: string; nowMs: number },
): Promise<NewJob> {
  getSourceConfig(config, request.source);
  const full = { ...request, retentionHours: request.retentionHours ?? config.retentionHours };
  const digest = await crypto.subtle.digest("SHA-256", encodeUtf8(JSON.stringify(full)));
  return {
    jobId: crypto.randomUUID(),
    request: full,
    requestDigest: toHex(new Uint8Array(digest)),
    ...of,
  };
}
