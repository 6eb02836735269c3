import * as v from "valibot";

import { CopyViewSchema } from "./copies.ts";
import {
  CallbackViewSchema,
  FailureViewSchema,
  QueuePositionSchema,
  UsageSchema,
  WorkflowViewSchema,
} from "./job-view.ts";
import { JOB_STATES } from "./job-state.ts";
import { MaskedColumnSchema } from "./masks.ts";
import { RetentionViewSchema } from "./retention-policy.ts";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Time = v.pipe(v.string(), v.isoTimestamp());
const Percent = v.pipe(v.number(), v.minValue(0), v.maxValue(100));

/** A member that could not be backed up. */
const MemberFailureSchema = v.strictObject({
  member: v.string(),
  code: v.string(),
  message: v.string(),
});

/** A pack, and the range of names that its members have. */
const PackViewSchema = v.strictObject({
  number: Count,
  members: Count,
  rows: Count,
  bytes: Count,
  first: v.string(),
  last: v.string(),
});

/** How a fleet names its members: by the names or by the ids of Durable Objects. */
export const NamedBySchema = v.picklist(["name", "id"]);

/** The answer of `GET /export/fleet/:fleetId`, and the data of a callback. */
export const FleetViewSchema = v.strictObject({
  kind: v.literal("fleet"),
  fleetId: v.string(),
  status: v.picklist(JOB_STATES),
  /** As in the view of an export. */
  queuePosition: QueuePositionSchema,
  source: v.string(),
  /** The origin of the names. */
  names: v.picklist(["list", "query", "object", "namespace"]),
  /** Null until the names are read. */
  namedBy: v.nullable(NamedBySchema),
  compression: v.string(),
  content: v.string(),
  /** The columns whose values the request masks, in every object. */
  masked: v.array(MaskedColumnSchema),
  createdAt: Time,
  startedAt: v.nullable(Time),
  completedAt: v.nullable(Time),
  expiresAt: v.nullable(Time),
  /** The fleet's series, and what keeps its files; null if they are kept until `expiresAt`. */
  retention: v.nullable(RetentionViewSchema),
  members: v.strictObject({
    /** Null until the names are read. */
    total: v.nullable(Count),
    /** In packs. */
    packed: Count,
    /** By an export job of their own, because they do not fit into one turn. */
    exported: Count,
    /** Without tables. */
    empty: Count,
    failed: Count,
    /** Neither backed up nor failed. */
    pending: v.nullable(Count),
  }),
  progress: v.strictObject({ percent: v.nullable(Percent), rows: Count, bytes: Count }),
  /** The first 500; the manifest lists all of them. */
  packs: v.array(PackViewSchema),
  /** The first 500; the members with status `failed` are all of them. */
  failures: v.array(MemberFailureSchema),
  /** Of the packs, by destination. The export jobs of large members have their own. */
  copies: v.array(CopyViewSchema),
  workflow: WorkflowViewSchema,
  callback: CallbackViewSchema,
  /** Without that of the export jobs of large members. */
  usage: UsageSchema,
  warnings: v.array(v.string()),
  error: v.nullable(FailureViewSchema),
  links: v.strictObject({
    self: v.string(),
    members: v.string(),
    download: v.string(),
    manifest: v.string(),
    events: v.string(),
  }),
});

export type FleetView = v.InferOutput<typeof FleetViewSchema>;

/** The answer of `GET /export/fleets`. */
export const FleetListSchema = v.strictObject({
  fleets: v.array(FleetViewSchema),
  /** For the next page; null on the last. */
  cursor: v.nullable(v.string()),
});

export type FleetList = v.InferOutput<typeof FleetListSchema>;

/** What has become of a member. */
export const MEMBER_STATES = ["pending", "packed", "exported", "empty", "failed"] as const;

export type MemberState = (typeof MEMBER_STATES)[number];

/** A member of a fleet. Null fields do not apply to its status. */
const MemberViewSchema = v.strictObject({
  member: v.string(),
  status: v.picklist(MEMBER_STATES),
  /** Of the member's file; `exported` ones are described by their job. */
  bytes: v.nullable(Count),
  sha256: v.nullable(v.string()),
  rows: v.nullable(Count),
  snapshotAt: v.nullable(v.string()),
  /** The export job of a large member. */
  jobId: v.nullable(v.string()),
  error: v.nullable(v.strictObject({ code: v.string(), message: v.string() })),
});

export type MemberView = v.InferOutput<typeof MemberViewSchema>;

/** The answer of `GET /export/fleet/:fleetId/members`: a page, sorted by the bytes of the names. */
export const MemberPageSchema = v.strictObject({
  namedBy: NamedBySchema,
  members: v.array(MemberViewSchema),
  /** For the next page; null on the last. A page of a filtered list may have no members. */
  cursor: v.nullable(v.string()),
});

export type MemberPage = v.InferOutput<typeof MemberPageSchema>;
