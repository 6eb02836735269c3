import type { FleetNames } from "../../api/fleet-names.ts";
import type { FleetView } from "../../api/fleet-view.ts";
import { VIEW_ENTRIES_MAX } from "../../api/limits.ts";
import { listMaskedColumns } from "../../api/masks.ts";
import type {
  ChangedFleetView,
  FleetInfo,
  FleetState,
  MemberRecords,
} from "../../rpc/fleet-jobs.ts";
import type { JobPageQuery, JobPosition } from "../../rpc/http-jobs.ts";
import { toManifestKey, toSignatureKey } from "../../rpc/object-key.ts";
import { listMemberExports } from "../tables/fleet-export-rows.ts";
import { listFailures } from "../tables/fleet-failure-rows.ts";
import { listStoredPacks, toPackRecord } from "../tables/fleet-pack-rows.ts";
import { parseFleetRequest, parseFleetState } from "../tables/job-fleet-columns.ts";
import { listJobs } from "../tables/job-list.ts";
import { findQueuePosition } from "../tables/job-queue-columns.ts";
import { getJobOfKind, getStateAt, type JobRow, parseFailure } from "../tables/job-rows.ts";
import { listCopyViews } from "./copies.ts";
import { findPackKeys } from "./fleet-files.ts";
import { listFleetWarnings } from "./fleet-warnings.ts";
import { getFolder } from "./job-folder.ts";
import {
  failureView,
  makeViewVersion,
  runView,
  timeOrNull,
  toIsoTime,
  toRetentionView,
} from "./job-view.ts";
import { cutPercent } from "./percent.ts";

const FIRST = { from: "", limit: VIEW_ENTRIES_MAX };

/** The most packs and failures in all views of a page. */
const PAGE_ENTRIES_MAX = 10 * VIEW_ENTRIES_MAX;

/** Returns a fleet's view. Errors: `job-not-found`. */
export function getFleetView(sql: SqlStorage, fleetId: string): FleetView {
  return toFleetView(sql, getJobOfKind(sql, fleetId, "fleet"));
}

/** Returns a fleet's view if it differs from that of `version`. Errors: `job-not-found`. */
export function findChangedFleetView(
  sql: SqlStorage,
  fleetId: string,
  version: string,
): ChangedFleetView {
  const job = getJobOfKind(sql, fleetId, "fleet");
  const current = makeViewVersion(sql, job);
  const view = current === version ? null : toFleetView(sql, job);
  return { version: current, status: getStateAt(job, Date.now()), view };
}

/** Returns one page of fleets, newest first, and where the next starts; null after the last. */
export function getFleetPage(
  sql: SqlStorage,
  query: JobPageQuery,
): { fleets: FleetView[]; next: JobPosition | null } {
  const rows = listJobs(sql, {
    ...query,
    kind: "fleet",
    limit: query.limit + 1,
    nowMs: Date.now(),
  });
  const fleets: FleetView[] = [];
  let entries = 0;
  for (const row of rows.slice(0, query.limit)) {
    if (entries >= PAGE_ENTRIES_MAX) break;
    const view = toFleetView(sql, row);
    entries += view.packs.length + view.failures.length;
    fleets.push(view);
  }
  const last = rows[fleets.length - 1];
  const next =
    rows.length > fleets.length && last !== undefined
      ? { createdAtMs: last.created_at_ms, jobId: last.job_id }
      : null;
  return { fleets, next };
}

/** Returns a fleet as its users see it. */
export function toFleetView(sql: SqlStorage, job: JobRow): FleetView {
  const request = parseFleetRequest(job);
  const state = parseFleetState(job);
  const { job_id: fleetId } = job;
  const base = `${job.origin}/export/fleet/${fleetId}`;
  const status = getStateAt(job, Date.now());
  return {
    kind: "fleet",
    fleetId,
    status,
    queuePosition: findQueuePosition(sql, job),
    source: job.source,
    names: describeNames(request.names),
    namedBy: state.list?.namedBy ?? null,
    compression: request.compression,
    content: request.content,
    masked: listMaskedColumns(request.mask),
    createdAt: toIsoTime(job.created_at_ms),
    startedAt: timeOrNull(job.started_at_ms),
    completedAt: timeOrNull(job.completed_at_ms),
    expiresAt: timeOrNull(job.expires_at_ms),
    retention: toRetentionView(request, job),
    members: countMembers(state),
    progress: { percent: measurePercent(job, state), rows: state.rows, bytes: state.bytes },
    packs: listStoredPacks(sql, fleetId, FIRST).map((pack) => ({
      number: pack.number,
      members: pack.members,
      rows: pack.rows,
      bytes: pack.bytes,
      first: pack.first_member,
      last: pack.last_member,
    })),
    failures: listFailures(sql, fleetId, FIRST),
    copies: listCopyViews(sql, job),
    ...runView(job),
    warnings: listFleetWarnings(sql, job),
    error: failureView(parseFailure(job), job.origin),
    links: {
      self: base,
      members: `${base}/members`,
      download: `${base}/download`,
      manifest: `${base}/manifest`,
      events: `${base}/events`,
    },
  };
}

/** Returns what a route needs to find the members of a fleet. Errors: `job-not-found`. */
export function getFleetInfo(sql: SqlStorage, fleetId: string): FleetInfo {
  const job = getJobOfKind(sql, fleetId, "fleet");
  const { compression, content, source } = parseFleetRequest(job);
  const { list, next } = parseFleetState(job);
  const files = { folder: getFolder(job) };
  return {
    fleetId,
    status: getStateAt(job, Date.now()),
    list,
    next,
    compression,
    content,
    source,
    createdAtMs: job.created_at_ms,
    completedAtMs: job.completed_at_ms,
    manifestKey: toManifestKey(files),
    signatureKey: job.is_signed === 1 ? toSignatureKey(files) : null,
  };
}

/** Returns the records of the members from `first` to `last`. Errors: `job-not-found`. */
export function getMemberRecords(
  sql: SqlStorage,
  fleetId: string,
  { first, last, limit }: { first: string; last: string; limit: number },
): MemberRecords {
  const job = getJobOfKind(sql, fleetId, "fleet");
  const range = { from: first, last, limit };
  const packs = listStoredPacks(sql, fleetId, range);
  return {
    packs: packs.map((pack) => toPackRecord(pack, findPackKeys(job, pack))),
    failures: listFailures(sql, fleetId, range),
    exports: listMemberExports(sql, fleetId, range).map(
      ({ member, state, export_id: exportId }) => ({ member, state, jobId: exportId ?? "" }),
    ),
  };
}

function describeNames(names: FleetNames): FleetView["names"] {
  if (Array.isArray(names)) return "list";
  if ("query" in names) return "query";
  return "object" in names ? "object" : "namespace";
}

function countMembers({ list, packed, exported, empty, failed }: FleetState): FleetView["members"] {
  const total = list?.total ?? null;
  const pending = total === null ? null : total - packed - exported - empty - failed;
  return { total, packed, exported, empty, failed, pending };
}

function measurePercent({ state: jobState }: JobRow, state: FleetState): number | null {
  if (jobState === "completed" || jobState === "expired") return 100;
  const { total, pending } = countMembers(state);
  if (total === null || pending === null) return null;
  return cutPercent((100 * (total - pending)) / total);
}
