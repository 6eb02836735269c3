import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

import { buildTenant, nameTenant, type TenantRange } from "../../demo/tenants/tenant.ts";
import type { FleetManifest } from "../../src/api/fleet-manifest.ts";
import type { FleetView, MemberPage, MemberView } from "../../src/api/fleet-view.ts";
import { isActive } from "../../src/api/job-state.ts";
import { compareUtf8 } from "../../src/lib/compare-utf8.ts";
import { compareDatabases } from "./compare-databases.ts";
import { countUnsettled, findLeftOvers } from "./fleet-left-overs.ts";
import { KilledWorker } from "./killed-worker.ts";

const CONFIG = join(import.meta.dirname, "../../demo/tenants/wrangler.jsonc");

/** How many notes a tenant has: a pack is full with about 40 of the middle ones, and a large one has its own export. */
const NOTES = { small: 20, middle: 19_000, large: 25_000 };

/** One of so many tenants is large. */
const LARGE_EVERY = 40;

/** A name that no object was created with. */
const UNUSED = "unused";

/** A fleet is killed at most this long after it was seen at work, unless the caller says otherwise. */
const KILL_MS_MAX = 4_000;

/** So many times as many fleets as kills are started: a fleet may be done before it is killed. */
const FLEETS_PER_KILL_MAX = 3;

/** After so many kills without progress the run is left in peace: the watchdog replaces five runs at one place. */
const KILLS_AT_PLACE_MAX = 3;

/** If a fleet takes longer than this, including runtime starts, something is stuck. */
const DEADLINE_MS = 900_000;

/** How long the watchdog may take to remove what was discarded: a minute, and time for a slow machine. */
const DISCARD_MS = 180_000;

export interface FleetCrashRun {
  /** Sentences; empty if every fleet survived. */
  problems: string[];
  kills: number;
  fleets: number;
  /** Runs that worked on the fleets. */
  runs: number;
  packs: number;
  exports: number;
}

interface FleetCrashOptions {
  kills: number;
  killsPerFleet: number;
  tenants: number;
  random: () => number;
  killMsMax?: number;
  report?: (line: string) => void;
}

/**
 * Backs up the same tenants again and again, under a runtime that is killed at random moments (SIGKILL to the whole
 * process group) and restarted with the same state, `kills` times in all. Each fleet must have every tenant once, with
 * a dump that restores it, and nothing else may be in the bucket or in the tenants at the end.
 */
export async function runFleetCrashes(options: FleetCrashOptions): Promise<FleetCrashRun> {
  const folder = mkdtempSync(join(tmpdir(), "durable-export-fleet-crash-"));
  const crashes = new FleetCrashes(join(folder, "state"), options);
  try {
    await crashes.run();
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  return crashes.result;
}

class FleetCrashes {
  readonly result: FleetCrashRun = {
    problems: [],
    kills: 0,
    fleets: 0,
    runs: 0,
    packs: 0,
    exports: 0,
  };
  readonly #state: string;
  readonly #options: FleetCrashOptions;
  /** How many notes each tenant has, by its name. */
  readonly #expected = new Map<string, number>();
  /** The SHA-256 of each tenant's dump that restored the tenant. */
  readonly #proved = new Map<string, string>();

  constructor(state: string, options: FleetCrashOptions) {
    this.#state = state;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { result } = this;
    const { kills, report = () => {} } = this.#options;
    const worker = await KilledWorker.start({
      state: this.#state,
      config: CONFIG,
      vars: { EXPORT_CHUNK_BYTES: "500000" },
    });
    try {
      await this.#makeTenants(worker);
      const fleetsMax = FLEETS_PER_KILL_MAX * kills;
      for (let last: string | undefined; result.kills < kills && result.fleets < fleetsMax;) {
        // The bucket has the files of one fleet at a time.
        if (last !== undefined) await worker.delete(last);
        const before = { kills: result.kills, problems: result.problems.length };
        const { view, path } = await this.#backUp(worker);
        last = path;
        await this.#inspect(worker, view);
        report(
          `fleet ${result.fleets}: ${view.status}, ${view.packs.length} packs, ${view.members.exported} exports, ` +
            `${result.kills - before.kills} kills, ${view.workflow.run} runs, ` +
            `${result.problems.length - before.problems} problems`,
        );
      }
      await this.#waitForWatchdog();
      await worker.stop();
      result.problems.push(...findLeftOvers(this.#state));
    } catch (error) {
      result.problems.push(`${String(error)}\n${worker.output()}`);
    } finally {
      await worker.stop();
    }
  }

  async #makeTenants(worker: KilledWorker): Promise<void> {
    for (let number = 0; number < this.#options.tenants; number += 1) {
      const name = nameTenant(number);
      const notes = countNotes(number);
      const range: TenantRange = { from: number, to: number + 1, notes };
      await worker.call("POST", "/demo/tenants", range);
      this.#expected.set(name, notes);
    }
  }

  /** Backs up all tenants while the runtime is killed, and returns the fleet once it has ended. */
  async #backUp(worker: KilledWorker): Promise<{ view: FleetView; path: string }> {
    const { random, killsPerFleet, kills, killMsMax = KILL_MS_MAX } = this.#options;
    const { result } = this;
    result.fleets += 1;
    const names = [...this.#expected.keys(), UNUSED];
    const { fleetId } = await worker.call<FleetView>("POST", "/export/fleet", {
      source: "tenants",
      names,
    });
    const path = `/export/fleet/${fleetId}`;
    const endMs = Date.now() + DEADLINE_MS;
    let last = { place: "", kills: 0, atMs: 0 };
    let view = await worker.call<FleetView>("GET", path);
    for (let killed = 0; isActive(view.status); view = await worker.call<FleetView>("GET", path)) {
      if (Date.now() > endMs) throw new Error(`the fleet stands still: ${JSON.stringify(view)}`);
      const place = JSON.stringify(view.members);
      if (place !== last.place) last = { place, kills: 0, atMs: last.atMs };
      const mayKill = killed < killsPerFleet && result.kills < kills;
      if (!mayKill || last.kills === KILLS_AT_PLACE_MAX) {
        await sleep(200);
        continue;
      }
      await sleep(random() * killMsMax);
      last = { place, kills: last.kills + 1, atMs: Date.now() };
      await worker.kill();
      result.kills += 1;
      killed += 1;
    }
    // A kill after the end proves nothing.
    if (last.atMs > Date.parse(view.completedAt ?? "")) result.kills -= 1;
    result.runs += view.workflow.run;
    return { view, path };
  }

  async #inspect(worker: KilledWorker, view: FleetView): Promise<void> {
    const { fleetId, status, error, members } = view;
    const { result } = this;
    const problem = (text: string): void => {
      result.problems.push(`fleet ${result.fleets}: ${text}`);
    };
    const exported = [...this.#expected.keys()].filter((_, number) => isLarge(number));
    const counts = {
      total: this.#expected.size + 1,
      packed: this.#expected.size - exported.length,
      exported: exported.length,
      empty: 1,
      failed: 0,
      pending: 0,
    };
    if (status !== "completed") return problem(`it is ${status}: ${JSON.stringify(error)}`);
    if (!isDeepStrictEqual(members, counts)) {
      problem(`it counts ${JSON.stringify(members)}, not ${JSON.stringify(counts)}`);
    }
    const manifest = await worker.call<FleetManifest>("GET", `/export/fleet/${fleetId}/manifest`);
    result.packs += manifest.packs.length;
    result.exports += manifest.exports.length;
    for (const text of findWrongPacks(manifest, counts.packed)) problem(text);
    if (String(manifest.exports.map(({ member }) => member)) !== String(exported)) {
      problem(`it has exports of ${manifest.exports.map(({ member }) => member).join(", ")}`);
    }
    const listed = await listMembers(worker, fleetId);
    const names = [...this.#expected.keys(), UNUSED].sort(compareUtf8);
    if (String(listed.map(({ member }) => member)) !== String(names)) {
      problem(`it lists ${listed.length} members, not each of ${names.length} once`);
    }
    for (const { member, status: state } of listed) {
      const isExported = exported.includes(member);
      const wanted = member === UNUSED ? "empty" : isExported ? "exported" : "packed";
      if (state !== wanted) problem(`${member} is ${state}, not ${wanted}`);
      if (member === UNUSED) continue;
      const bytes = await worker.download(`/export/fleet/${fleetId}/download?name=${member}`);
      for (const text of this.#findWrongBytes(member, bytes)) problem(text);
    }
  }

  /** The first dump of a tenant must restore it, and all others must have the same bytes. */
  #findWrongBytes(name: string, bytes: Buffer): string[] {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const proved = this.#proved.get(name);
    if (proved !== undefined) return proved === sha256 ? [] : [`${name} has other bytes`];
    const differences = compareWithTenant(bytes.toString(), name, this.#expected.get(name) ?? 0);
    if (differences.length === 0) this.#proved.set(name, sha256);
    return differences.map((each) => `${name}: ${each}`);
  }

  async #waitForWatchdog(): Promise<void> {
    const endMs = Date.now() + DISCARD_MS;
    while (countUnsettled(this.#state) > 0 && Date.now() < endMs) await sleep(1_000);
  }
}

/** Returns what is wrong with the packs of a fleet: each name must be in one of them. */
function findWrongPacks({ packs }: FleetManifest, packed: number): string[] {
  const problems: string[] = [];
  const members = packs.reduce((sum, pack) => sum + pack.members, 0);
  if (members !== packed) problems.push(`its packs have ${members} members, not ${packed}`);
  for (const [at, { first, last }] of packs.entries()) {
    const next = packs[at + 1]?.first;
    if (compareUtf8(first, last) > 0 || (next !== undefined && compareUtf8(last, next) >= 0)) {
      problems.push(`pack ${at + 1} ends with ${last}, and the next one begins with ${next}`);
    }
  }
  return problems;
}

async function listMembers(worker: KilledWorker, fleetId: string): Promise<MemberView[]> {
  const listed: MemberView[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const from: string = cursor === "" ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const page: MemberPage = await worker.call("GET", `/export/fleet/${fleetId}/members${from}`);
    listed.push(...page.members);
    ({ cursor } = page);
  }
  return listed;
}

function isLarge(number: number): boolean {
  return number % LARGE_EVERY === LARGE_EVERY / 2;
}

function countNotes(number: number): number {
  if (isLarge(number)) return NOTES.large;
  return number % 2 === 0 ? NOTES.small : NOTES.middle;
}

/** Returns how what a script restores differs from a tenant. */
function compareWithTenant(script: string, name: string, notes: number): string[] {
  const tenant = new DatabaseSync(":memory:");
  const restored = new DatabaseSync(":memory:");
  try {
    for (const { sql, params = [] } of buildTenant(name, notes)) tenant.prepare(sql).run(...params);
    restored.exec(`BEGIN; ${script}; COMMIT`);
    return compareDatabases(tenant, restored);
  } finally {
    tenant.close();
    restored.close();
  }
}
