import { ExportError } from "../../api/errors.ts";
import type { Manifest } from "../../api/manifest.ts";
import type { RestoreVerify } from "../../api/restore-request.ts";
import type { Source } from "../../databases/source.ts";
import { canCompare } from "../../formats/plan-manifest-dump.ts";
import { detectCompression } from "../../loading/inflate.ts";
import { planLoad } from "../../loading/plan-load.ts";
import type { ScannedScript } from "../../loading/scan-script.ts";
import { listTargetTables } from "../../loading/target.ts";
import type { ScriptRecord } from "../../rpc/load-plan.ts";
import type { RestoreState } from "../../rpc/restore-jobs.ts";
import { unwrap } from "../../rpc/outcome.ts";
import type { ArtifactStore } from "../../storage/artifact-store.ts";
import { CAN_EXPORT_KEY_VALUES } from "../../sqlite/key-values.ts";
import { findScript, type StoredScript } from "../../storage/find-script.ts";
import { readStored } from "../../storage/read-stored.ts";
import type { RunContext } from "../engine/run-context.ts";
import { readManifest } from "./read-manifest.ts";
import { RestoreRun } from "./restore-run.ts";
import { scanStored } from "./scan-stored.ts";

/** The result of a step "scan script", for the dashboard. */
export interface ScannedStep {
  statements: number;
  textBytes: number;
  isReplacing: boolean;
}

/**
 * Reads the whole script before anything changes. Checks that it is SQL to its end, that its bytes have the known
 * hash, and that the target is empty if it must be. Determines which rows must wait for others. Repeating it
 * changes nothing.
 */
export function scanStep(context: RunContext): Promise<ScannedStep> {
  return RestoreRun.perform(context, scan);
}

async function scan(run: RestoreRun): Promise<ScannedStep> {
  const { context } = run;
  const { request, jobId } = run.restore;
  const isReplacing = request.mode === "replace";
  if (run.state.plan === null) {
    const { store, jobs } = context;
    const stored = await findScript(
      {
        store,
        findExport: (id) => jobs.download(id),
        fleetInfo: (id) => jobs.fleetInfo(id),
        memberRecords: (id, range) => jobs.memberRecords(id, range),
        useFile: async (fileId) => unwrap(await jobs.useFile(fileId, jobId)),
      },
      request.from,
    );
    const manifest = await readManifest(store, stored.manifestKey);
    const file = {
      bytes: stored.bytes,
      compression: await detectStored(store, stored),
      frames: findFrames(manifest),
    };
    const { scanned, textBytes } = await scanStored(context, stored, file);
    const script: ScriptRecord = {
      key: stored.key,
      ...(stored.offset !== undefined && { offset: stored.offset }),
      etag: stored.etag,
      ...file,
      textBytes,
      statements: scanned.end.statements,
      lines: scanned.end.lines,
      manifestKey: manifest === null ? null : stored.manifestKey,
    };
    const expectedRows = manifest === null ? chooseExpected(scanned) : null;
    const target = run.openTarget();
    const losesEntries = scanned.hasKeyValues && !(await keepsKeyValues(target));
    const { method, warnings } = chooseMethod(request.verify, {
      manifest,
      expectedRows,
      losesEntries,
    });
    const plan = planLoad(scanned, isReplacing ? [] : await listTargetTables(target));
    await run.commit(
      {
        phase: isReplacing ? "safety-export" : "load",
        script,
        plan,
        kept: plan.existing,
        verification: { ...run.state.verification, method },
        expectedRows,
      },
      {
        warnings: [...listSkipped(scanned), ...warnings],
      },
    );
  }
  const { statements, textBytes } = run.require("script");
  return { statements, textBytes, isReplacing };
}

/** Returns the frames of the dump. Reading can begin at each chunk of an export. */
function findFrames(manifest: Manifest | null): ScriptRecord["frames"] {
  if (manifest?.version !== 2) return null;
  return (
    manifest.artifacts[0]?.chunks.map(({ bytes, textBytes }) => ({ bytes, textBytes })) ?? null
  );
}

/** True if a target stores a dump's key-value entries. Only `withExport` classes do. */
async function keepsKeyValues(target: Source): Promise<boolean> {
  return (await target.query({ sql: CAN_EXPORT_KEY_VALUES })).rows.length > 0;
}

function chooseMethod(
  wanted: RestoreVerify | undefined,
  script: {
    manifest: Manifest | null;
    expectedRows: RestoreState["expectedRows"];
    losesEntries: boolean;
  },
): { method: RestoreVerify; warnings: string[] } {
  const { manifest, expectedRows, losesEntries } = script;
  const warnings = losesEntries
    ? [
        "the entries of the dump's key-value storage are not restored: the target does not store them",
      ]
    : [];
  if (wanted === "none") return { method: "none", warnings };
  if (manifest === null && expectedRows === null) {
    const warning = "not verified: the rows of each table cannot be counted from the script";
    return { method: "none", warnings: [...warnings, warning] };
  }
  if (manifest === null) {
    const warning = "verified by row counts only: the script has no manifest of this project";
    return { method: "counts", warnings: wanted === "digest" ? [...warnings, warning] : warnings };
  }
  if (wanted === "counts") return { method: "counts", warnings };
  const isComparable = canCompare(manifest);
  if (isComparable && !losesEntries) return { method: "digest", warnings };
  const why = isComparable
    ? "the dump contains key-value entries, which the target does not store"
    : "another version of the encoding wrote the dump, so its text cannot be compared";
  return { method: "counts", warnings: [...warnings, `verified by row counts only: ${why}`] };
}

/** A restore's state must stay small, so nothing is counted if there are more tables. */
const EXPECTED_TABLES_MAX = 2_000;

function chooseExpected({ rows }: ScannedScript): RestoreState["expectedRows"] {
  return rows.length === 0 || rows.length > EXPECTED_TABLES_MAX ? null : rows;
}

async function detectStored(
  store: ArtifactStore,
  { bytes, ...place }: StoredScript,
): Promise<ScriptRecord["compression"]> {
  if (bytes < 4) return "none";
  const body = await readStored(store, place, { offset: 0, length: 4 });
  if (body === undefined) throw new ExportError("script-changed", "the script is no longer stored");
  return detectCompression(new Uint8Array(await new Response(body).arrayBuffer()));
}

/** Every dump contains these, and no reader needs to know about them. */
const USUAL = new Set(["BEGIN", "COMMIT", "PRAGMA foreign_keys", "PRAGMA defer_foreign_keys"]);

function listSkipped({ skipped }: ScannedScript): string[] {
  const unusual = [...skipped].filter(([what]) => !USUAL.has(what));
  if (unusual.length === 0) return [];
  const list = unusual.map(([what, count]) => (count === 1 ? what : `${what} (${count} times)`));
  return [`statements that the platform does not need were skipped: ${list.join(", ")}`];
}
