import type { Catalog } from "../sqlite/catalog.ts";
import type { JobRequest } from "../api/export-request.ts";
import { DUMP_FORMATS } from "./dump-formats.ts";
import { chooseStageName } from "../sqlite/own-objects.ts";
import type { DumpPlan } from "./plan.ts";
import type { CreateEncoder } from "./table-encoder.ts";
import { filterCatalog } from "./table-filter.ts";

/** Returns what a request writes; the same for the same catalog. Errors: `table-not-found`. */
export function planDump(
  request: Pick<JobRequest, "source" | "format" | "content" | "tables">,
  catalog: Catalog,
): { plan: DumpPlan; createEncoder: CreateEncoder } {
  const filtered = filterCatalog(catalog, request.tables);
  const format = DUMP_FORMATS[request.format];
  // Based on the whole database: rows that are loaded without their schema may meet any part of it.
  const stage = chooseStageName(
    [catalog.tables, catalog.indexes, catalog.views].flat().map(({ name }) => name),
  );
  const plan = format.plan({
    catalog: filtered.catalog,
    source: request.source,
    content: request.content,
  });
  return {
    plan: { ...plan, warnings: [...filtered.warnings, ...plan.warnings] },
    createEncoder: (table, state) => format.createEncoder(table, state, stage),
  };
}
