import type { JobRequest } from "../api/export-request.ts";
import { RETENTION_HOURS_MAX } from "../api/limits.ts";
import type { RequestedRetention } from "../api/retention-policy.ts";
import type { Settings } from "../config/settings.ts";

/** Returns how long the files of a job are kept: by the policy of its series, or for some hours. */
export function fillRetention(
  config: Settings,
  request: RequestedRetention,
): Pick<JobRequest, "retention" | "retentionHours"> {
  const { series, retention = config.retention, retentionHours } = request;
  if (series === undefined || retention === undefined) {
    return { retentionHours: retentionHours ?? config.retentionHours };
  }
  // Only a version without series would apply these hours: it must not delete what the policy keeps.
  return { retention, retentionHours: RETENTION_HOURS_MAX };
}
