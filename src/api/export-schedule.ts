import * as v from "valibot";

import { ExportRequestSchema } from "./export-request.ts";

/**
 * What a cron trigger exports. Each entry is the body of a `POST /export/dump`, for every tick or
 * only for ticks of one trigger.
 */
export const ExportScheduleSchema = v.pipe(
  v.array(
    v.strictObject({
      ...ExportRequestSchema.entries,
      cron: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(100))),
    }),
  ),
  v.maxLength(100),
);

/** An entry of the schedule, with the deployment's default source if it names none. */
export type ScheduledExport = v.InferOutput<typeof ExportScheduleSchema>[number] & {
  source: string;
};

/** True if two entries of one tick name the same database: its second export would be refused. */
export function haveCollision(entries: readonly ScheduledExport[]): boolean {
  return entries.some((entry, at) => entries.slice(0, at).some((other) => collide(entry, other)));
}

function collide(a: ScheduledExport, b: ScheduledExport): boolean {
  return (
    a.source === b.source &&
    a.name === b.name &&
    a.id === b.id &&
    (a.cron === b.cron || a.cron === undefined || b.cron === undefined)
  );
}
