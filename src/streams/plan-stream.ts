import type { ExportEnv } from "../config/bindings.ts";
import { type Settings, getSourceConfig } from "../config/settings.ts";
import { planOf } from "../formats/plan-of.ts";
import type { DumpPlan } from "../formats/plan.ts";
import type { TableEncoderOf } from "../formats/table-encoder.ts";
import { catalogOfTable } from "../sqlite/table-filter.ts";
import type { Catalog } from "../sqlite/catalog.ts";
import { ExportError } from "../api/errors.ts";
import { COMPRESSIONS } from "../api/compressions.ts";
import { requireRows } from "../api/export-request.ts";
import type { StreamRequest } from "../api/stream-query.ts";
import { findDatabase, sourceObjectOf } from "../databases/open-source.ts";
import { getSourceKind } from "../databases/source-kinds.ts";
import { digestOf, readCatalog } from "../reading/read-catalog.ts";
import type { Source } from "../databases/source.ts";

/** What a stream would send, before anything of it is read but the catalog. */
export interface StreamPlan {
  request: StreamRequest & { consistency: "snapshot" | "live" };
  source: Source;
  /** What is locked. */
  databaseKey: string;
  catalogDigest: string;
  file: PlannedFile;
}

/** The one file of a stream. */
export interface PlannedFile {
  name: string;
  contentType: string;
  plan: DumpPlan;
  encoderOf: TableEncoderOf;
}

/**
 * Plans a stream; nothing is locked or frozen yet. Errors: those of what the request names, such as
 * `source-not-found` and `table-not-found`, `configuration-invalid`, the source's own, and
 * `invalid-request` where the answer would not be one file.
 */
export async function planStream(
  env: ExportEnv,
  config: Settings,
  request: StreamRequest,
): Promise<StreamPlan> {
  requireRows(request);
  const sourceConfig = getSourceConfig(config, request.source);
  const database = findDatabase(env, sourceConfig, sourceObjectOf(sourceConfig, request));
  const source = database.open();
  const catalog = await readCatalog(source);
  const { consistency } = getSourceKind(sourceConfig).promises;
  return {
    request: { ...request, consistency: request.consistency ?? consistency.default },
    source,
    databaseKey: database.key,
    catalogDigest: await digestOf(catalog),
    file: planFile(request, catalog),
  };
}

/** The file that a request makes of a catalog. Errors: `table-not-found`, `catalog-unreadable`, `invalid-request`. */
export function planFile(request: StreamRequest, catalog: Catalog): PlannedFile {
  const { table, format, compression } = request;
  const { plan, encoderOf } = planOf(
    request,
    table === undefined ? catalog : catalogOfTable(catalog, table),
  );
  const [artifact] = plan.artifacts;
  if (artifact === undefined && table !== undefined) {
    throw new ExportError("catalog-unreadable", plan.warnings.join("; "));
  }
  if (artifact === undefined || plan.artifacts.length > 1) {
    const message =
      `${format} is a file a table, and this would be ${plan.artifacts.length} files: ` +
      `name one table, or start a job instead`;
    throw new ExportError("invalid-request", `the query: format: ${message}`, {
      details: { issues: [{ path: "format", message }] },
    });
  }
  const { suffix, contentType } = COMPRESSIONS[compression];
  return {
    name: `${artifact.name}${suffix}`,
    contentType: contentType ?? artifact.contentType,
    plan,
    encoderOf,
  };
}
