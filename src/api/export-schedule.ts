import * as v from "valibot";

import { ExportRequestSchema } from "./export-request.ts";

/**
 * What a cron trigger exports: the body of a `POST /export/dump` each, for every tick or for those
 * of one of several triggers. Two entries of one tick must not name one database, whose second
 * export would be refused.
 */
export const ExportScheduleSchema = v.pipe(
  v.array(
    v.strictObject({
      ...ExportRequestSchema.entries,
      cron: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(100))),
    }),
  ),
  v.maxLength(100),
  v.check(
    (entries) =>
      entries.every((entry, at) => !entries.slice(0, at).some((other) => collide(entry, other))),
    "expected one entry a source for each cron expression",
  ),
);

export type ScheduledExport = v.InferOutput<typeof ExportScheduleSchema>[number];

interface Entry {
  source: string;
  name?: string | undefined;
  id?: string | undefined;
  cron?: string | undefined;
}

function collide(a: Entry, b: Entry): boolean {
  return (
    a.source === b.source &&
    a.name === b.name &&
    a.id === b.id &&
    (a.cron === b.cron || a.cron === undefined || b.cron === undefined)
  );
}
