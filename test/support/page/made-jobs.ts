import type { FleetView } from "../../../src/api/fleet-view.ts";
import type { JobView } from "../../../src/api/job-view.ts";
import type { SourceList } from "../../../src/api/source-list.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** The present of the jobs. */
export const NOW_MS = Date.parse("2026-11-29T12:00:00Z");

const ago = (ms: number): string => new Date(NOW_MS - ms).toISOString();

/** What the page reads of a job: completed an age ago, with files for a week. */
export function makeJob(ageMs: number, more: Partial<JobView> = {}): JobView {
  const at = ago(ageMs);
  const expiresAt = ago(ageMs - 7 * DAY_MS);
  return {
    jobId: `${more.source ?? "main"}-${ageMs}`,
    source: "main",
    object: null,
    status: "completed",
    createdAt: at,
    startedAt: at,
    completedAt: at,
    snapshotAt: at,
    expiresAt,
    error: null,
    ...more,
  } as JobView;
}

/** What the page reads of a source. */
export function makeSource(name: string, more: object = {}): SourceList["sources"][number] {
  return {
    name,
    objects: "one",
    writable: false,
    problem: null,
    ...more,
  } as SourceList["sources"][number];
}

/** What the page reads of a fleet: completed an age ago, with files for a week. */
export function makeFleet(
  ageMs: number,
  more: Partial<FleetView> = {},
): FleetView & { jobId: string } {
  const at = ago(ageMs);
  return {
    jobId: `fleet-${ageMs}`,
    fleetId: `fleet-${ageMs}`,
    source: "tenants",
    status: "completed",
    createdAt: at,
    startedAt: at,
    completedAt: at,
    expiresAt: ago(ageMs - 7 * DAY_MS),
    members: { total: 10, packed: 10, exported: 0, empty: 0, failed: 0, pending: 0 },
    error: null,
    ...more,
  } as FleetView & { jobId: string };
}
