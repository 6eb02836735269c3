import type { Catalog } from "../sqlite/catalog.ts";
import type { JobRequest } from "../api/export-request.ts";
import { VERSION } from "../api/version.ts";
import type { DumpWriter } from "../rpc/plan-record.ts";
import { DUMP_FORMATS } from "./dump-formats.ts";
import { chooseStageName } from "../sqlite/own-objects.ts";
import type { DumpPlan } from "./plan.ts";
import { ENCODING_VERSION } from "./plan-digest.ts";
import type { CreateEncoder } from "./table-encoder.ts";
import { filterCatalog } from "./table-filter.ts";

/** What a request writes; the same for the same catalog and writer. Errors: `table-not-found`. */
export function planDump(
  request: Pick<JobRequest, "source" | "format" | "content" | "tables">,
  catalog: Catalog,
  writer: Pick<DumpWriter, "version" | "stage"> = describeWriter(catalog),
): { plan: DumpPlan; createEncoder: CreateEncoder } {
  const filtered = filterCatalog(catalog, request.tables);
  const format = DUMP_FORMATS[request.format];
  const plan = format.plan({
    catalog: filtered.catalog,
    source: request.source,
    version: writer.version,
    content: request.content,
  });
  return {
    plan: { ...plan, warnings: [...filtered.warnings, ...plan.warnings] },
    createEncoder: (table, state) => format.createEncoder(table, state, writer.stage),
  };
}

/** What this code writes into a dump of a catalog besides what the request asks for. */
export function describeWriter(catalog: Catalog): DumpWriter {
  // Of the whole database: rows that are loaded without their schema meet all of it.
  const stage = chooseStageName(
    [catalog.tables, catalog.indexes, catalog.views].flat().map(({ name }) => name),
  );
  return { version: VERSION, encoding: ENCODING_VERSION, stage };
}
