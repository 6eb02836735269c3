import type { DumpPlan } from "../formats/plan.ts";
import type { CreateEncoder } from "../formats/table-encoder.ts";
import type { Catalog } from "../sqlite/catalog.ts";
import type { Source } from "../databases/source.ts";
import {
  digestCatalog,
  isStillCatalog,
  type ReadCatalog,
  readCatalogWithSchema,
} from "./read-catalog.ts";

/**
 * Plans what is read from a catalog; the same for the same catalog. It may refuse a catalog with an
 * `ExportError`.
 */
export type PlanDump = (catalog: Catalog) => { plan: DumpPlan; createEncoder: CreateEncoder };

/** What a dump would read, before any row is read. */
export interface PlannedDump extends ReadCatalog {
  catalogDigest: string;
  plan: DumpPlan;
  createEncoder: CreateEncoder;
}

/** Reads a source's catalog in one turn and plans its dump. Errors: those of `planDump` and the source's own. */
export async function readDumpPlan(source: Source, planDump: PlanDump): Promise<PlannedDump> {
  const read = await readCatalogWithSchema(source);
  return { ...read, catalogDigest: await digestCatalog(read.catalog), ...planDump(read.catalog) };
}

/** Returns `planned` if the source still has its catalog; plans anew if not. Errors: as `readDumpPlan`. */
export async function renewDumpPlan(
  source: Source,
  planDump: PlanDump,
  planned: PlannedDump | undefined,
): Promise<PlannedDump> {
  if (planned !== undefined && (await isStillCatalog(source, planned))) return planned;
  return readDumpPlan(source, planDump);
}
