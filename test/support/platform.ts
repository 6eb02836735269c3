import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { Catalog } from "../../src/sqlite/catalog.ts";
import type { WholeDump } from "./dump-database.ts";
import type { PlatformRestore, PlatformRestored } from "./platform-restore.ts";
import type { SnapshotCorrection } from "./snapshot-corrections.ts";

/** Wrangler keeps local state here. */
const STATE = join(".wrangler", "state", "v3");

const WORKER = fileURLToPath(new URL("platform-worker.ts", import.meta.url));

/**
 * The runtime as it serves Durable Objects and D1 locally, with all limits. Its databases' files
 * are in a separate folder, so that they can be read without it.
 */
export class Platform {
  /**
   * The folder in which a `wrangler.jsonc` would see the same databases: `D1_0` has the id `d1-0`,
   * and so on.
   */
  readonly folder: string;
  readonly #miniflare: Miniflare;
  readonly #d1Count: number;
  #d1Used = 0;
  #objects = 0;
  #copies = 0;

  private constructor(miniflare: Miniflare, folder: string, d1Count: number) {
    this.#miniflare = miniflare;
    this.folder = folder;
    this.#d1Count = d1Count;
  }

  /** Starts a runtime with `d1Count` empty D1 databases. */
  static async start(d1Count: number): Promise<Platform> {
    const folder = mkdtempSync(join(tmpdir(), "platform-"));
    const bundle = await build({
      entryPoints: [WORKER],
      bundle: true,
      format: "esm",
      target: "esnext",
      write: false,
      external: ["cloudflare:*", "node:*"],
    });
    const options = convertV4MiniflareOptions({
      name: "exactness",
      modules: [
        { type: "ESModule", path: "worker.js", contents: bundle.outputFiles[0]?.text ?? "" },
      ],
      compatibilityDate: "2026-11-01",
      compatibilityFlags: ["nodejs_compat"],
      durableObjects: {
        DATABASE: { className: "Database", useSQLite: true },
        STARBASEDB: { className: "StarbaseDBDurableObject", useSQLite: true },
      },
      d1Databases: Object.fromEntries(
        Array.from({ length: d1Count }, (_, n) => [`D1_${n}`, `d1-${n}`]),
      ),
      resourcePersistencePath: join(folder, STATE),
    });
    const miniflare = new Miniflare(options);
    await miniflare.ready;
    return new Platform(miniflare, folder, d1Count);
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose();
    rmSync(this.folder, { recursive: true });
  }

  /** Creates a Durable Object with the accepted ones of `statements`. */
  async buildObject(
    name: string,
    statements: string[],
  ): Promise<{ id: string; refused: { statement: string; message: string }[] }> {
    return this.#call("/build", { name, statements });
  }

  /** The dump of a Durable Object, read by RPC within the runtime. */
  dumpObject(name: string, seed?: number): Promise<WholeDump> {
    return this.#dump("/dump", { name, seed });
  }

  /** The dump of a D1 database, read through its binding within the runtime. */
  dumpD1(binding: string, seed?: number): Promise<WholeDump> {
    return this.#dump("/dump-d1", { name: binding, seed });
  }

  async #dump(path: string, call: { name: string; seed: number | undefined }): Promise<WholeDump> {
    const answer = await this.#call<{ base64: string; warnings: string[]; catalog: Catalog }>(
      path,
      call,
    );
    const { warnings, catalog } = answer;
    return { bytes: Buffer.from(answer.base64, "base64"), warnings, catalog };
  }

  /** Runs all statements in one transaction of a new Durable Object. */
  async restoreObject(name: string, statements: string[]): Promise<{ id: string }> {
    return this.#call("/restore-object", { name, statements });
  }

  /**
   * Runs all statements as one batch of an unused D1 database; returns its binding, and opens its
   * file.
   */
  async restoreD1(statements: string[]): Promise<{ binding: string; file: DatabaseSync }> {
    const before = new Set(this.#filesOf("d1"));
    const binding = this.#unusedD1();
    await this.#call("/restore-d1", { name: binding, statements });
    return { binding, file: this.#openNewD1(before) };
  }

  #openNewD1(before: ReadonlySet<string>): DatabaseSync {
    const file = this.#filesOf("d1").find(
      (path) => !before.has(path) && basename(path) !== "metadata.sqlite",
    );
    if (file === undefined) throw new Error("the D1 database has no file");
    return this.#open(file);
  }

  /**
   * Dumps object `name` and restores it into a new target as a restore job does. Returns what its
   * verification found, and opens the target's file.
   */
  async restore(
    name: string,
    kind: "object" | "StarbaseDB" | "D1",
    how: PlatformRestore,
  ): Promise<PlatformRestored & { file: DatabaseSync }> {
    const before = new Set(this.#filesOf("d1"));
    this.#objects += 1;
    const target = kind === "D1" ? this.#unusedD1() : `restored ${this.#objects}`;
    const restore = { ...how, kind, name: target };
    type Answer = Omit<PlatformRestored, "dump"> & { base64: string; id: string };
    const answer = await this.#call<Answer>("/restore", { name, restore });
    const { base64, id, ...restored } = answer;
    const file = kind === "D1" ? this.#openNewD1(before) : this.openObject(id);
    return { ...restored, dump: Buffer.from(base64, "base64"), file };
  }

  /**
   * Takes a snapshot of an unused database, read within the runtime while it is written: by a
   * random run, or by the writes of one correction. Returns what is wrong, in sentences.
   */
  runSnapshot(
    on: "Durable Object" | "D1",
    what: { seed: number } | { correction: SnapshotCorrection },
  ): Promise<{ problems: string[]; writes: number }> {
    if (on === "D1") return this.#call("/snapshot-d1", { name: this.#unusedD1(), ...what });
    this.#objects += 1;
    return this.#call("/snapshot", { name: `snapshot ${this.#objects}`, ...what });
  }

  /** The file of a Durable Object in its current state. */
  openObject(id: string): DatabaseSync {
    const file = this.#filesOf("do").find((path) => basename(path) === `${id}.sqlite`);
    if (file === undefined) throw new Error(`no file of object ${id}`);
    return this.#open(file);
  }

  #unusedD1(): string {
    if (this.#d1Used === this.#d1Count) throw new Error("all D1 databases are used");
    const binding = `D1_${this.#d1Used}`;
    this.#d1Used += 1;
    return binding;
  }

  #filesOf(kind: "d1" | "do"): string[] {
    const folder = join(this.folder, STATE, kind);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".sqlite"))
      .map((path) => join(folder, path));
  }

  /** Opens a copy, including the log: the runtime holds the file itself. */
  #open(file: string): DatabaseSync {
    this.#copies += 1;
    const copy = join(this.folder, `copy-${this.#copies}.sqlite`);
    copyFileSync(file, copy);
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
    return new DatabaseSync(copy);
  }

  async #call<T>(path: string, body: unknown): Promise<T> {
    const response = await this.#miniflare.dispatchFetch(`http://platform${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    if (response.status !== 200)
      throw new Error(`${path}: ${(await response.text()).slice(0, 600)}`);
    return (await response.json()) as T;
  }
}
