import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";

import { formatBytes, formatCount, formatNumberOf } from "../cli/format.ts";
import type { FleetView } from "../src/api/fleet-view.ts";
import { quoteText } from "../src/sqlite/identifier.ts";
import { Api } from "./api.ts";
import { compareDatabases } from "./compare.ts";
import { printLine, since, withProgress } from "./progress.ts";
import { restoreDump } from "./restore.ts";
import { shownPath } from "./shown-path.ts";
import { buildTenant, nameTenant, type TenantRange } from "./tenants/tenant.ts";
import { withWorker } from "./with-worker.ts";

const CONFIG = join(import.meta.dirname, "tenants", "wrangler.jsonc");

/** How many tenants one request makes. */
const TENANTS_AT_ONCE = 50;

/** How many tenants to make, the notes of each, and where the restored one goes. */
export interface FleetDemo {
  tenants: number;
  notes: number;
  output: string;
  signal: AbortSignal;
}

/**
 * Makes many small tenants, backs them up as one fleet, restores the one in the middle from its range of a pack, and
 * compares it. Returns true if it is the same, and no tenant has failed.
 */
export async function runFleetDemo({
  tenants,
  notes,
  output,
  signal,
}: FleetDemo): Promise<boolean> {
  const startMs = Date.now();
  mkdirSync(output, { recursive: true });
  const name = nameTenant(Math.floor(tenants / 2));
  const dumpPath = join(output, `${name}.dump.sql`);
  const fleet = await withWorker(
    signal,
    async (worker) => {
      const api = new Api({ ...worker, signal });
      await makeTenants(api, { tenants, notes });
      const view = await backUp(api, tenants);
      await downloadTenant(api, view, { name, dumpPath });
      return view;
    },
    { config: CONFIG },
  );
  const isSame = await restoreAndCompare({ name, notes, dumpPath, output, signal });
  const isWhole = fleet.members.packed + fleet.members.exported === tenants;
  console.log();
  printLine("dump", `${shownPath(dumpPath)}, restored`);
  const what = isSame ? "the restored tenant is the same" : "THE RESTORED TENANT DIFFERS";
  printLine("result", `${isWhole ? what : "TENANTS ARE MISSING"} (${since(startMs)} in total)`);
  return isSame && isWhole;
}

async function makeTenants(
  api: Api,
  { tenants, notes }: { tenants: number; notes: number },
): Promise<void> {
  const startMs = Date.now();
  await api.transaction(["CREATE TABLE tenants(name TEXT PRIMARY KEY)"]);
  await withProgress("tenants", tenants, async (progress) => {
    for (let from = 0; from < tenants; from += TENANTS_AT_ONCE) {
      const range: TenantRange = { from, to: Math.min(from + TENANTS_AT_ONCE, tenants), notes };
      const { names } = await api.post<{ names: string[] }>("/demo/tenants", range);
      const values = names.map((each) => `(${quoteText(each)})`).join(", ");
      await api.transaction([`INSERT INTO tenants VALUES ${values}`]);
      progress.update(range.to, `${formatCount(range.to)} of ${formatCount(tenants)}`);
    }
    const each = `${formatNumberOf(notes + 2, "row")} each`;
    progress.end(`${formatNumberOf(tenants, "object")}, ${each}, made in ${since(startMs)}`);
  });
}

async function backUp(api: Api, tenants: number): Promise<FleetView> {
  const startMs = Date.now();
  const view = await withProgress("fleet", tenants, async (progress) => {
    const done = await api.runFleet({ source: "tenants", compression: "gzip" }, ({ members }) => {
      const count = members.packed + members.exported;
      progress.update(count, `${formatCount(count)} of ${formatCount(tenants)} objects`);
    });
    progress.end(`${done.fleetId} ${done.status} in ${since(startMs)}`);
    return done;
  });
  const { members, progress, packs, usage } = view;
  const failed = members.failed === 0 ? "" : `, ${formatCount(members.failed)} failed`;
  printLine(
    "packs",
    `${formatNumberOf(members.packed, "object")} in ${formatNumberOf(packs.length, "pack")}${failed}: ` +
      `${formatNumberOf(progress.rows, "row")}, ${formatBytes(progress.bytes)}`,
  );
  printLine(
    "cost",
    `${formatNumberOf(usage.steps, "step")}, ${formatNumberOf(usage.r2ClassAOperations, "Class A operation")}, ` +
      `${formatNumberOf(usage.rowsRead, "row")} read`,
  );
  return view;
}

/** Downloads a tenant's dump, which is one range of a pack, and writes its script. */
async function downloadTenant(
  api: Api,
  view: FleetView,
  { name, dumpPath }: { name: string; dumpPath: string },
): Promise<void> {
  const { bytes, etag } = await api.read(`${view.links.download}?name=${encodeURIComponent(name)}`);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (etag !== `"${sha256}"`) throw new Error(`the dump of ${name} differs from its index`);
  writeFileSync(dumpPath, gunzipSync(bytes));
  printLine(
    "download",
    `${name}: ${formatBytes(bytes.length)}, one range of a pack, SHA-256 verified`,
  );
}

async function restoreAndCompare({
  name,
  notes,
  dumpPath,
  output,
  signal,
}: {
  name: string;
  notes: number;
  dumpPath: string;
  output: string;
  signal: AbortSignal;
}): Promise<boolean> {
  const databasePath = join(output, `${name}.restored.sqlite`);
  const restored = await restoreDump({ dumpPath, databasePath }, { onBytes: () => {}, signal });
  const expected = new DatabaseSync(":memory:");
  try {
    for (const { sql, params = [] } of buildTenant(name, notes)) {
      expected.prepare(sql).run(...params);
    }
    const options = { leftOut: new Set<string>(), onRows: () => {}, signal };
    const { differences, examples, rows, values } = await compareDatabases(
      expected,
      restored,
      options,
    );
    for (const example of examples) printLine("differs", example);
    printLine(
      "compare",
      `${formatNumberOf(rows, "row")}, ${formatNumberOf(values, "value")}: ${formatNumberOf(differences, "difference")}`,
    );
    return differences === 0;
  } finally {
    expected.close();
    restored.close();
  }
}
