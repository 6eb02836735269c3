import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

import type { JobView } from "../../src/api/job-view.ts";
import type { RestoreView } from "../../src/api/restore-view.ts";
import type { UploadView } from "../../src/api/upload.ts";
import { assert } from "../../src/lib/assert.ts";
import { compareDatabases } from "./compare-databases.ts";
import { KilledWorker } from "./killed-worker.ts";
import { openObjects } from "./object-files.ts";

const ROWS = 60_000;

/** A restore is killed at most this long after it was seen at work. */
const KILL_MS_MAX = 600;

/**
 * The most kills in a row at the same place. Five runs that go silent at one place fail a restore, and on a busy
 * machine a step takes longer than the time between kills.
 */
const KILLS_AT_ONE_PLACE_MAX = 3;

/** If a restore takes longer than this, including runtime starts, something is stuck. */
const DEADLINE_MS = 600_000;

const SOURCES = {
  main: { type: "durable-object", binding: "DATABASE_DURABLE_OBJECT", name: "sql-durable-object" },
  copies: {
    type: "durable-object",
    binding: "DATABASE_DURABLE_OBJECT",
    names: "any",
    writable: true,
  },
};

/** What every object that is replaced contains first. */
const FORMER =
  "CREATE TABLE old(x);\nINSERT INTO old VALUES(1),('two'),(x'03');\n" +
  "CREATE TABLE child(id INTEGER PRIMARY KEY, up REFERENCES child(id));\nINSERT INTO child VALUES(1,2),(2,1);";

/** A restore under kills, and what its object must contain at its end. */
interface Scenario {
  title: string;
  /** The object has content before, which is replaced. */
  replaces: boolean;
  undoes?: boolean;
  /** The script's last statement fails. */
  fails?: boolean;
  /** It is cancelled between two kills. */
  isCancelled?: boolean;
  /** `any`: some of the rows. A safety export, if there is one, must restore the former content. */
  leaves: "dump" | "former" | "nothing" | "any";
}

const SCENARIOS: readonly Scenario[] = [
  { title: "into an empty object", replaces: false, leaves: "dump" },
  { title: "of a replaced object", replaces: true, leaves: "dump" },
  { title: "that is cancelled", replaces: false, isCancelled: true, leaves: "nothing" },
  {
    title: "that is cancelled and undone",
    replaces: true,
    undoes: true,
    isCancelled: true,
    leaves: "former",
  },
  { title: "that fails", replaces: false, fails: true, leaves: "nothing" },
  {
    title: "that fails and is undone",
    replaces: true,
    undoes: true,
    fails: true,
    leaves: "former",
  },
  {
    title: "of a replaced object that is cancelled",
    replaces: true,
    isCancelled: true,
    leaves: "any",
  },
];

export interface RestoreCrashRun {
  /** Sentences; empty if every restore survived. */
  problems: string[];
  kills: number;
  restores: number;
  /** Runs that worked on the restores. */
  runs: number;
}

interface CrashOptions {
  kills: number;
  killsPerRestore: number;
  random: () => number;
  report?: (line: string) => void;
}

/**
 * Runs one restore after the other, each in the next scenario, under a runtime that is killed at random moments
 * (SIGKILL to the whole process group) and restarted with the same state, `kills` times in all. At the end the
 * files of the objects are compared with the source's and with what the objects contained before.
 */
export async function runRestoreCrashes(options: CrashOptions): Promise<RestoreCrashRun> {
  const folder = mkdtempSync(join(tmpdir(), "durable-export-restore-crash-"));
  const crashes = new RestoreCrashes(folder, options);
  try {
    await crashes.run();
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  return crashes.result;
}

class RestoreCrashes {
  readonly result: RestoreCrashRun = { problems: [], kills: 0, restores: 0, runs: 0 };
  readonly #folder: string;
  readonly #options: CrashOptions;
  /** What each object must contain at the end, by its name. */
  readonly #expected = new Map<string, "dump" | "former" | "nothing">();
  #worker: KilledWorker | undefined;

  constructor(folder: string, options: CrashOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { kills, report = () => {} } = this.#options;
    try {
      this.#worker = await KilledWorker.start({
        state: join(this.#folder, "state"),
        vars: { EXPORT_SOURCES: JSON.stringify(SOURCES), EXPORT_CHUNK_BYTES: "1000000" },
      });
      const scripts = await this.#prepare();
      while (this.result.kills < kills) {
        const at = this.result.restores % SCENARIOS.length;
        const before = this.result.kills;
        const ended = await this.#restore(SCENARIOS[at] as Scenario, scripts);
        const killed = this.result.kills - before;
        const why = ended.error === null ? "" : ` (${ended.error.message.slice(0, 150)})`;
        report(
          `restore ${this.result.restores} ${SCENARIOS[at]?.title}: ${ended.status} in phase ` +
            `${ended.progress.phase}${why}, ${killed} kills, ${ended.workflow.run} runs`,
        );
      }
      await this.#worker?.stop();
      this.result.problems.push(...this.#inspectFiles());
    } catch (error) {
      const output = this.#worker?.output() ?? "";
      this.result.problems.push(`${String(error)}\n${output}`);
    } finally {
      await this.#worker?.stop();
    }
  }

  async #kill(): Promise<void> {
    await this.#started().kill();
    this.result.kills += 1;
  }

  #started(): KilledWorker {
    assert(this.#worker !== undefined, "the Worker is started");
    return this.#worker;
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    return this.#started().call<T>(method, path, body);
  }

  /** Fills the source, and makes the scripts that are restored. */
  async #prepare(): Promise<Scripts> {
    for (const sql of FILL) await this.#call("POST", "/query", { sql });
    const dump = await this.#export({ source: "main" });
    const text = await this.#started().download(`/export/dump/${dump.jobId}/download`);
    return {
      dump: { jobId: dump.jobId },
      failing: await this.#upload(`${text.toString()}INSERT INTO person VALUES(1, NULL);\n`),
      former: await this.#upload(FORMER),
    };
  }

  async #export(body: object): Promise<JobView> {
    const { jobId } = await this.#call<JobView>("POST", "/export/dump", body);
    const view = await this.#follow<JobView>(`/export/dump/${jobId}`, isActive);
    if (view.status !== "completed") throw new Error(`an export fails: ${view.error?.message}`);
    return view;
  }

  async #upload(text: string): Promise<{ fileId: string }> {
    const bytes = Buffer.from(text);
    const { fileId, partBytes } = await this.#call<UploadView>("POST", "/import/files", {
      name: "script.sql",
    });
    const parts = Math.ceil(bytes.length / partBytes);
    for (let number = 1; number <= parts; number += 1) {
      const part = bytes.subarray((number - 1) * partBytes, number * partBytes);
      await this.#call("PUT", `/import/files/${fileId}/parts/${number}`, part);
    }
    await this.#call("POST", `/import/files/${fileId}/complete`, { parts });
    return { fileId };
  }

  /** Asks for a view until `isMeant` is false for it. */
  async #follow<T>(path: string, isMeant: (view: T) => boolean): Promise<T> {
    const endMs = Date.now() + DEADLINE_MS;
    for (;;) {
      const view = await this.#call<T>("GET", path);
      if (!isMeant(view)) return view;
      if (Date.now() > endMs) throw new Error(`the job stands still: ${JSON.stringify(view)}`);
      await sleep(150);
    }
  }

  /** Runs a restore without kills; it must complete. */
  async #restoreUndisturbed(body: object): Promise<void> {
    const { jobId } = await this.#call<RestoreView>("POST", "/import/dump", {
      target: "copies",
      ...body,
    });
    const view = await this.#follow<RestoreView>(`/import/dump/${jobId}`, isWorking);
    if (view.status !== "completed") throw new Error(`a restore fails: ${view.error?.message}`);
  }

  async #restore(scenario: Scenario, scripts: Scripts): Promise<RestoreView> {
    const { replaces, undoes, fails, isCancelled, leaves, title } = scenario;
    const { random, killsPerRestore, kills } = this.#options;
    const { result } = this;
    result.restores += 1;
    const name = `copy ${result.restores}`;
    if (replaces) await this.#restoreUndisturbed({ from: scripts.former, name });
    const { jobId } = await this.#call<RestoreView>("POST", "/import/dump", {
      from: fails ? scripts.failing : scripts.dump,
      target: "copies",
      name,
      mode: replaces ? "replace" : "empty",
      ...(undoes && { undoOnFailure: true }),
    });
    const path = `/import/dump/${jobId}`;
    const before = result.kills;
    let killedMs = 0;
    const cancelAfter = isCancelled ? Math.ceil(random() * (killsPerRestore - 1)) : -1;
    let place = "";
    let killsHere = 0;
    for (let killed = 0; result.kills < kills && killed < killsPerRestore; killed += 1) {
      let view = await this.#call<RestoreView>("GET", path);
      if (placeOf(view) === place && killsHere === KILLS_AT_ONE_PLACE_MAX) {
        view = await this.#follow<RestoreView>(
          path,
          (each) => isWorking(each) && placeOf(each) === place,
        );
      }
      if (!isWorking(view)) break;
      killsHere = placeOf(view) === place ? killsHere + 1 : 1;
      place = placeOf(view);
      if (killed === cancelAfter) await this.#call("DELETE", `${path}?only=cancel`);
      // The answer to another request would be late: the runtime is busy with the restore.
      await sleep(random() * KILL_MS_MAX);
      killedMs = Date.now();
      await this.#kill();
    }
    if (isCancelled && result.kills - before <= cancelAfter) {
      await this.#call("DELETE", `${path}?only=cancel`);
    }
    const ended = await this.#follow<RestoreView>(path, isWorking);
    result.runs += ended.workflow.run;
    // A kill after the end proves nothing.
    if (killedMs > Date.parse(ended.completedAt ?? "")) result.kills -= 1;
    const wanted = isCancelled ? "cancelled" : fails ? "failed" : "completed";
    // It may have ended before it could be cancelled.
    const isDone = isCancelled && ended.status === "completed";
    if (ended.status !== wanted && !isDone) {
      const error = JSON.stringify(ended.error);
      result.problems.push(`restore ${result.restores} ${title} is ${ended.status}: ${error}`);
    }
    if (ended.status === "completed" && ended.verification.state !== "equal") {
      result.problems.push(`restore ${result.restores} is ${ended.verification.state}`);
    }
    if (leaves === "any" && ended.safetyExport?.status === "completed") {
      const from = { jobId: ended.safetyExport.jobId };
      await this.#restoreUndisturbed({ from, name, mode: "replace" });
    }
    this.#expected.set(name, leaves === "any" ? "former" : isDone ? "dump" : leaves);
    return ended;
  }

  /** Compares the files of the objects. */
  #inspectFiles(): string[] {
    const files = openObjects(join(this.#folder, "state"), "durable-export-Database");
    const former = new DatabaseSync(":memory:");
    former.exec(`BEGIN;PRAGMA defer_foreign_keys=ON;${FORMER}COMMIT`);
    const nothing = new DatabaseSync(":memory:");
    const source = files.get("sql-durable-object") as DatabaseSync;
    const contents = { dump: source, former, nothing };
    const problems: string[] = [];
    for (const [name, leaves] of this.#expected) {
      const db = files.get(name);
      // An object that was never written has no file.
      if (db === undefined && leaves === "nothing") continue;
      const differences =
        db === undefined ? ["it has no file"] : compareDatabases(contents[leaves], db);
      problems.push(...differences.map((each) => `${name} should be ${leaves}: ${each}`));
    }
    for (const db of [...files.values(), former, nothing]) db.close();
    return problems;
  }
}

interface Scripts {
  dump: { jobId: string };
  failing: { fileId: string };
  former: { fileId: string };
}

function isActive({ status }: { status: string }): boolean {
  return status === "queued" || status === "running";
}

/** True until a restore has ended, and has cleaned up its target. */
function isWorking(view: RestoreView): boolean {
  return isActive(view) || view.warnings.some((each) => each.startsWith("target-not-cleaned"));
}

/** How far a restore is, as its view reports it. */
function placeOf({ status, progress, verification }: RestoreView): string {
  const { bytesPerSecond: _, etaSeconds: __, ...place } = progress;
  return JSON.stringify([status, place, verification]);
}

const NUMBERS = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})`;

/** Tables with a self-reference to later rows, rows without a key, an FTS5 index and a trigger. */
const FILL = [
  "CREATE TABLE plain(id INTEGER PRIMARY KEY, note TEXT, x REAL)",
  `INSERT INTO plain ${NUMBERS} SELECT i, hex(randomblob(100)), i * 0.37 FROM n`,
  "CREATE TABLE loose(note)",
  `INSERT INTO loose ${NUMBERS} SELECT i % 10 FROM n WHERE i <= 20000`,
  "CREATE TABLE person(id INTEGER PRIMARY KEY, boss INTEGER REFERENCES person(id))",
  "CREATE INDEX boss ON person(boss)",
  `INSERT INTO person ${NUMBERS} SELECT i, NULL FROM n WHERE i <= 5000`,
  "UPDATE person SET boss = id + 1 WHERE id < 5000",
  "CREATE TABLE word(k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID",
  `INSERT INTO word ${NUMBERS} SELECT 'key ' || i, randomblob(20) FROM n`,
  "CREATE VIRTUAL TABLE search USING fts5(body)",
  `INSERT INTO search ${NUMBERS} SELECT 'word' || (i % 97) || ' number ' || i FROM n WHERE i <= 3000`,
  "CREATE TRIGGER added AFTER INSERT ON plain BEGIN DELETE FROM word; END",
];
