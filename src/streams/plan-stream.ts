import type { ExportEnv } from "../config/bindings.ts";
import { type Settings, getSourceConfig } from "../config/settings.ts";
import { planDump } from "../formats/plan-dump.ts";
import type { DumpPlan } from "../formats/plan.ts";
import { selectTable } from "../formats/table-filter.ts";
import { assert } from "../lib/assert.ts";
import { ExportError } from "../api/errors.ts";
import { COMPRESSIONS, findFileCompression } from "../api/compressions.ts";
import { requireRows } from "../api/export-request.ts";
import type { StreamRequest } from "../api/stream-query.ts";
import { findDatabase, sourceObjectOf } from "../databases/open-source.ts";
import { getSourceKind } from "../databases/source-kinds.ts";
import { type PlanDump, readDumpPlan, type PlannedDump } from "../reading/planned-dump.ts";
import type { Source } from "../databases/source.ts";

/** What a stream would send, before anything except the catalog is read. */
export interface StreamPlan {
  request: StreamRequest & { consistency: "snapshot" | "live" };
  source: Source;
  /** Identifies the database to lock. */
  databaseKey: string;
  dump: PlannedDump;
  file: PlannedFile;
}

/** The one file of a stream. */
export interface PlannedFile {
  name: string;
  contentType: string;
}

/**
 * Plans a stream; nothing is locked or frozen yet. Errors: those for the names in the request, such
 * as `source-not-found` and `table-not-found`, `configuration-invalid`, the source's own, and
 * `invalid-request` if the answer would not be one file.
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
  const dump = await readDumpPlan(source, planOneFile(request));
  const { consistency } = getSourceKind(sourceConfig).promises;
  return {
    request: { ...request, consistency: request.consistency ?? consistency.default },
    source,
    databaseKey: database.key,
    dump,
    file: describeFile(dump.plan, request),
  };
}

/**
 * Returns how a request's one file is planned. Errors of the planning: `table-not-found`,
 * `catalog-unreadable`, `invalid-request` if it would be several files.
 */
export function planOneFile(request: StreamRequest): PlanDump {
  const { table, format } = request;
  return (catalog) => {
    const planned = planDump(request, table === undefined ? catalog : selectTable(catalog, table));
    const { artifacts, warnings } = planned.plan;
    if (artifacts.length === 0 && table !== undefined) {
      throw new ExportError("catalog-unreadable", warnings.join("; "));
    }
    if (artifacts.length !== 1) {
      const message =
        `${format} writes one file per table, and this would be ${artifacts.length} files: ` +
        `name one table, or start a job instead`;
      throw new ExportError("invalid-request", `the query: format: ${message}`, {
        details: { issues: [{ path: "format", message }] },
      });
    }
    return planned;
  };
}

/** Returns the one file of a plan from `planOneFile`. */
export function describeFile(
  { artifacts }: DumpPlan,
  request: Pick<StreamRequest, "format" | "compression">,
): PlannedFile {
  const [artifact] = artifacts;
  assert(artifact !== undefined, "a stream's plan has one file");
  const { suffix, contentType } = COMPRESSIONS[findFileCompression(request)];
  return {
    name: `${artifact.name}${suffix}`,
    contentType: contentType ?? artifact.contentType,
  };
}
