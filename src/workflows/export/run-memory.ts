import type { PlannedDump } from "../../reading/planned-dump.ts";
import { ReadingPace } from "../../reading/reading-pace.ts";
import { MIB } from "../../api/limits.ts";

/**
 * The most bytes of a schema whose plan is remembered between steps: an isolate has 128 MB for all of its jobs. The
 * catalog and plan of 3,000 tables, 0.5 MB of schema, take about 6 MB.
 */
const SCHEMA_BYTES_MAX = 2 * MIB;

/**
 * What the steps of a run leave to the following ones, as long as they are in the same isolate. It saves time, and
 * never changes what is read.
 */
export class RunMemory {
  readonly pace = new ReadingPace();
  #planned: { planDigest: string | null; planned: PlannedDump } | undefined;

  /** `planDigest` is the digest of the plan as the job records it. */
  rememberPlan(planDigest: string | null, planned: PlannedDump): void {
    const { catalog, schema, catalogDigest, plan, createEncoder } = planned;
    const { tables, indexes, views, triggers } = catalog;
    const objects = [...tables, ...indexes, ...views, ...triggers];
    const bytes = objects.reduce((sum, { name, sql }) => sum + name.length + sql.length, 0);
    if (bytes > SCHEMA_BYTES_MAX) return;
    this.#planned = {
      planDigest,
      planned: { catalog, schema, catalogDigest, plan, createEncoder },
    };
  }

  /** Undefined if no step of this isolate has made or read this plan. */
  findPlan(planDigest: string | null): PlannedDump | undefined {
    return this.#planned?.planDigest === planDigest ? this.#planned.planned : undefined;
  }
}
