import type { ManifestV2 } from "../../api/manifest.ts";
import type { Source } from "../../databases/source.ts";
import { planManifestDump } from "../../formats/plan-manifest-dump.ts";
import { lowerAscii } from "../../lib/ascii-case.ts";
import { listTargetTables } from "../../loading/target.ts";
import type { PlanDump } from "../../reading/planned-dump.ts";
import type { LoadPlan } from "../../rpc/load-plan.ts";
import type { Catalog } from "../../sqlite/catalog.ts";

/**
 * Returns a function that plans a restored target's dump, for comparison with the dump of `manifest`. Tables that
 * the target had before the restore do not count as differences. Errors: the source's own.
 */
export async function planSecondDump(
  target: Source,
  { manifest, places }: { manifest: ManifestV2; places: LoadPlan["places"] },
): Promise<PlanDump> {
  const ignored = await listIgnored(target, manifest);
  return (catalog) => planManifestDump(manifest, placeTables(catalog, places), ignored);
}

/** StarbaseDB's class creates these tables whenever an object starts, so a dump may lack them. */
async function listIgnored(target: Source, manifest: ManifestV2): Promise<string[]> {
  const known = new Set(manifest.tables.map(({ name }) => name));
  const others = await listTargetTables(
    target,
    (name) => name.startsWith("tmp_") && !known.has(name),
  );
  return others.filter(({ hasRows }) => !hasRows).map(({ name }) => name);
}

/** Moves tables that existed before the restore to the place where the script creates them. */
function placeTables(catalog: Catalog, places: LoadPlan["places"]): Catalog {
  const tables = [...catalog.tables];
  const find = (lower: string | null): number =>
    tables.findIndex(({ name }) => lowerAscii(name) === lower);
  for (const { name, after } of places) {
    const at = find(name);
    if (at < 0) continue;
    const [table] = tables.splice(at, 1);
    if (table !== undefined) tables.splice(find(after) + 1, 0, table);
  }
  return { ...catalog, tables };
}
