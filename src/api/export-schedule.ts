import * as v from "valibot";

import { ExportRequestSchema, findUnprovable } from "./export-request.ts";
import { FleetRequestSchema } from "./fleet-request.ts";
import { PROVE_EVERY_MAX } from "./limits.ts";
import type { Verify } from "./proof.ts";
import { findRetentionConflict, type RetentionPolicy } from "./retention-policy.ts";

const CronSchema = v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(100)));

const EntrySchema = v.pipe(
  v.strictObject({
    ...ExportRequestSchema.entries,
    fleet: v.optional(v.literal(false)),
    cron: CronSchema,
    /** Proves every such run of the entry by a restore, the first one included. */
    proveEvery: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(PROVE_EVERY_MAX)),
    ),
  }),
  v.forward(
    v.check(
      ({ verify, proveEvery }) => proveEvery === undefined || verify !== "checksum",
      'implies "verify": "restore", and the entry says "checksum"; remove one of the two',
    ),
    ["proveEvery"],
  ),
  v.forward(
    v.check(
      (entry) => findUnprovable({ ...entry, verify: findVerify(entry) }) === undefined,
      ({ input }) => findUnprovable({ ...input, verify: findVerify(input) }) ?? "",
    ),
    ["verify"],
  ),
  v.forward(
    v.check(
      (entry) => findRetentionConflict(entry) === undefined,
      ({ input }) => findRetentionConflict(input)?.message ?? "",
    ),
    ["retentionHours"],
  ),
);

const FleetEntrySchema = v.pipe(
  v.strictObject({
    ...FleetRequestSchema.entries,
    fleet: v.literal(true),
    cron: CronSchema,
  }),
  v.forward(
    v.check(
      (entry) => findRetentionConflict(entry) === undefined,
      ({ input }) => findRetentionConflict(input)?.message ?? "",
    ),
    ["retentionHours"],
  ),
);

type Entry = typeof EntrySchema | typeof FleetEntrySchema;

/** Not a union: its errors would not name the field. */
const AnyEntrySchema = v.lazy((entry): v.GenericSchema<v.InferInput<Entry>, v.InferOutput<Entry>> =>
  typeof entry === "object" && entry !== null && "fleet" in entry && entry.fleet === true
    ? FleetEntrySchema
    : EntrySchema,
);

/**
 * What a cron trigger exports, for every tick or only for ticks of one trigger. Each entry is the
 * body of a `POST /export/dump`, or with `"fleet": true` that of a `POST /export/fleet`.
 */
export const ExportScheduleSchema = v.pipe(v.array(AnyEntrySchema), v.maxLength(100));

/** An entry of one export, with the deployment's default source if it names none. */
export type ScheduledExport = v.InferOutput<typeof EntrySchema> & { source: string };

/** An entry of a fleet, with the deployment's default source if it names none. */
export type ScheduledFleet = v.InferOutput<typeof FleetEntrySchema> & { source: string };

/** True if an entry is one of a fleet. */
export function isFleetEntry(entry: ScheduledExport | ScheduledFleet): entry is ScheduledFleet {
  return entry.fleet === true;
}

/**
 * Returns an entry with its series and policy; unchanged if neither the entry nor the deployment has
 * a policy, or if the entry says `retentionHours`. The default series is the entry's own, because
 * no two entries of a database, and no two fleets of a source, have the same `cron`.
 */
export function withSeries<Entry extends ScheduledExport | ScheduledFleet>(
  entry: Entry,
  retentionByDefault: RetentionPolicy | undefined,
): Entry {
  const retention = entry.retention ?? retentionByDefault;
  if (entry.retentionHours !== undefined || retention === undefined) return entry;
  const series =
    entry.series ?? (entry.cron === undefined ? "schedule" : `schedule ${entry.cron.trim()}`);
  return { ...entry, series, retention };
}

/** Returns what the proved runs of an entry ask for. */
export function findVerify({
  verify,
  proveEvery,
}: {
  verify?: Verify | undefined;
  proveEvery?: number | undefined;
}): Verify | undefined {
  return proveEvery === undefined ? verify : "restore";
}

/**
 * True if two entries of one tick name the same database, or two fleets the same source: the second
 * would be refused.
 */
export function haveCollision(entries: readonly (ScheduledExport | ScheduledFleet)[]): boolean {
  return entries.some((entry, at) => entries.slice(0, at).some((other) => collide(entry, other)));
}

function collide(
  a: ScheduledExport | ScheduledFleet,
  b: ScheduledExport | ScheduledFleet,
): boolean {
  const isSame =
    isFleetEntry(a) || isFleetEntry(b)
      ? isFleetEntry(a) === isFleetEntry(b)
      : a.name === b.name && a.id === b.id;
  return (
    a.source === b.source &&
    isSame &&
    (a.cron === b.cron || a.cron === undefined || b.cron === undefined)
  );
}
