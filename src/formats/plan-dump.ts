import type { Catalog } from "../sqlite/catalog.ts";
import type { Compression, JobRequest } from "../api/export-request.ts";
import { VERSION } from "../api/version.ts";
import type { DumpWriter } from "../rpc/plan-record.ts";
import { DUMP_FORMATS } from "./dump-formats.ts";
import { chooseStageName } from "../sqlite/own-objects.ts";
import { maskEncoder } from "./mask-sql.ts";
import type { DumpPlan } from "./plan.ts";
import { ENCODING_VERSION } from "./plan-digest.ts";
import { resolveMasks } from "./resolve-masks.ts";
import type { CreateEncoder } from "./table-encoder.ts";
import { filterCatalog } from "./table-filter.ts";

/**
 * What a request writes; the same for the same catalog and writer. `isMasked` plans a dump whose values are masked
 * already. Errors: `table-not-found`, `mask-invalid`.
 */
export function planDump(
  request: Pick<JobRequest, "source" | "format" | "content" | "tables" | "mask"> & {
    /** Only for formats that compress inside their files; default: none. */
    compression?: Compression;
    isMasked?: boolean;
  },
  catalog: Catalog,
  writer: Pick<DumpWriter, "version" | "stage"> = describeWriter(catalog),
): { plan: DumpPlan; createEncoder: CreateEncoder } {
  const filtered = filterCatalog(catalog, request.tables);
  const masks = resolveMasks(request.mask, catalog, filtered.catalog);
  const { compression = "none" } = request;
  const format = DUMP_FORMATS[request.format];
  const plan = format.plan({
    catalog: filtered.catalog,
    source: request.source,
    version: writer.version,
    content: request.content,
    isMasked: request.isMasked ?? masks.byTable.size > 0,
  });
  return {
    plan: {
      ...plan,
      warnings: [...filtered.warnings, ...masks.warnings, ...plan.warnings],
      ...(request.mask && { mask: request.mask }),
    },
    createEncoder: (table, state) => {
      const encoder = format.createEncoder(table, state, { stage: writer.stage, compression });
      const tableMasks = table.derived === undefined ? masks.byTable.get(table.name) : undefined;
      return tableMasks === undefined ? encoder : maskEncoder(encoder, tableMasks);
    },
  };
}

/** What this code writes into a dump of a catalog, in addition to what the request asks for. */
export function describeWriter(catalog: Catalog): DumpWriter {
  // Of the whole database: rows that are loaded without their schema meet all of it.
  const stage = chooseStageName(
    [catalog.tables, catalog.indexes, catalog.views].flat().map(({ name }) => name),
  );
  return { version: VERSION, encoding: ENCODING_VERSION, stage };
}
