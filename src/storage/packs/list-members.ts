import { isActive } from "../../api/job-state.ts";
import { ExportError } from "../../api/errors.ts";
import type { MemberPage, MemberState, MemberView } from "../../api/fleet-view.ts";
import type { PackIndex } from "../../api/pack-index.ts";
import { compareUtf8 } from "../../lib/compare-utf8.ts";
import type { MemberListRecord, MemberRecords } from "../../rpc/fleet-jobs.ts";
import { unwrap } from "../../rpc/outcome.ts";
import type { ArtifactStore } from "../artifact-store.ts";
import { findMember, readPackIndex } from "./find-member.ts";
import { type FleetPlaces, requireCompleted } from "./locate-member.ts";
import { readStoredMembers } from "./stored-members.ts";

/** How many members are looked up at once. */
const SLICE = 500;

/** How many members one page may look at: a filter may exclude almost all of them. */
const LOOKED_AT_MAX = 5_000;

/** Which members of a fleet to list. */
export interface MemberQuery {
  /** What their names begin with; empty for all. */
  prefix: string;
  status: MemberState | undefined;
  /** The most members of the page. */
  limit: number;
  /** The `cursor` of the previous page; undefined for the first. */
  cursor: string | undefined;
}

/**
 * Returns one page of a fleet's members, sorted by the UTF-8 bytes of their names. A filtered page may have few
 * members although others follow. Errors: `job-not-found`, `export-not-finished` until the names are read,
 * `export-expired`, `export-not-downloadable`, `invalid-request` for a cursor of no page; those of the store.
 */
export async function listMembers(
  places: FleetPlaces,
  fleetId: string,
  query: MemberQuery,
): Promise<MemberPage> {
  const fleet = unwrap(await places.fleetInfo(fleetId));
  if (!isActive(fleet.status)) requireCompleted(fleet);
  const list = requireList(fleet.list, fleetId);
  const { members } = await readStoredMembers(places.store, list.key);
  const indexes = new Map<string, PackIndex>();
  const found: MemberView[] = [];
  const start = Math.max(findStart(members, query.prefix), parseCursor(query.cursor));
  let at = start;
  const isIn = (member: string | undefined): member is string =>
    member?.startsWith(query.prefix) === true;
  while (isIn(members[at]) && found.length < query.limit && at - start < LOOKED_AT_MAX) {
    const slice = members.slice(at, at + SLICE).filter(isIn);
    const records = unwrap(await places.memberRecords(fleetId, toRange(slice)));
    for (const member of slice) {
      const isBegun = at < fleet.next;
      at += 1;
      const view = await describeMember(places.store, { member, isBegun }, records, indexes);
      if (query.status === undefined || view.status === query.status) found.push(view);
      if (found.length === query.limit) break;
    }
  }
  return {
    namedBy: list.namedBy,
    members: found,
    cursor: isIn(members[at]) ? String(at) : null,
  };
}

function requireList(list: MemberListRecord | null, fleetId: string): MemberListRecord {
  if (list !== null) return list;
  throw new ExportError("export-not-finished", `fleet ${fleetId} has not read its names yet`);
}

function parseCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor);
  throw new ExportError("invalid-request", "the query: cursor: did not come from this list");
}

/** Returns the number of the first member that does not sort before `prefix`. */
function findStart(members: readonly string[], prefix: string): number {
  let from = 0;
  let to = members.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (compareUtf8(members[middle] ?? "", prefix) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

function toRange(slice: readonly string[]): { first: string; last: string; limit: number } {
  return { first: slice[0] ?? "", last: slice.at(-1) ?? "", limit: SLICE };
}

async function describeMember(
  store: ArtifactStore,
  { member, isBegun }: { member: string; isBegun: boolean },
  { packs, failures, exports }: MemberRecords,
  indexes: Map<string, PackIndex>,
): Promise<MemberView> {
  const nothing = { bytes: null, sha256: null, rows: null, snapshotAt: null, jobId: null };
  const failure = failures.find((each) => each.member === member);
  if (failure !== undefined) {
    const { code, message } = failure;
    return { member, status: "failed", ...nothing, error: { code, message } };
  }
  const exported = exports.find((each) => each.member === member);
  if (exported !== undefined) {
    const status = exported.state === "done" ? "exported" : "pending";
    const jobId = exported.jobId === "" ? null : exported.jobId;
    return { member, status, ...nothing, jobId, error: null };
  }
  const pack = packs.find(
    ({ first, last }) => compareUtf8(first, member) <= 0 && compareUtf8(member, last) <= 0,
  );
  if (pack !== undefined) {
    const index = indexes.get(pack.indexKey) ?? (await readPackIndex(store, pack.indexKey));
    indexes.set(pack.indexKey, index);
    const packed = findMember(index, member);
    if (packed !== undefined) {
      const { bytes, sha256, rows, snapshotAt } = packed;
      return { ...nothing, member, status: "packed", bytes, sha256, rows, snapshotAt, error: null };
    }
  }
  return { member, status: isBegun ? "empty" : "pending", ...nothing, error: null };
}
