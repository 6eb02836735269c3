import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";

/**
 * Which rooms may import which: the one list of allowed arrows, as docs/architecture.md draws it. A room is a
 * folder of `src/`, or one of the folders beside it; `doors` are the files at the top of `src/`. A room may
 * always import itself.
 */
const LOW = ["lib", "api", "sqlite", "rpc"] as const;
const MIDDLE = [...LOW, "formats", "databases", "notify", "sealing", "config"] as const;
export const ARROWS: Record<string, readonly string[]> = {
  lib: [],
  api: ["lib"],
  client: ["lib", "api"],
  sqlite: ["lib", "api"],
  rpc: ["lib", "api", "sqlite"],
  formats: LOW,
  databases: LOW,
  notify: LOW,
  sealing: LOW,
  config: [...LOW, "formats", "databases", "notify", "sealing"],
  reading: MIDDLE,
  loading: MIDDLE,
  storage: MIDDLE,
  jobs: [...LOW, "notify", "config", "storage"],
  workflows: [...MIDDLE, "reading", "loading", "storage", "jobs"],
  streams: [...MIDDLE, "reading", "storage", "jobs"],
  intake: [...MIDDLE, "reading", "loading", "storage", "jobs"],
  routes: [...MIDDLE, "reading", "loading", "storage", "jobs", "streams", "intake"],
  doors: [
    ...MIDDLE,
    "reading",
    "loading",
    "storage",
    "jobs",
    "workflows",
    "streams",
    "intake",
    "routes",
    "client",
  ],
  // The command line dumps database files itself, and checks scripts, with the Worker's own code.
  cli: [...LOW, "formats", "databases", "sealing", "reading", "loading", "scripts"],
  action: ["lib", "api", "cli", "scripts"],
  // The Worker of its tenants is the deployed one with one route more.
  demo: ["lib", "api", "sqlite", "cli", "scripts", "doors"],
  // The page is a program like any other: it calls the API.
  page: ["lib", "api", "client"],
  scripts: [],
};

/**
 * The same for the folders of `src/jobs/`; `files` are the files beside them. `ExportJobs` binds everything
 * together, so it may import all.
 */
export const JOBS_ARROWS: Record<string, readonly string[]> = {
  tables: [],
  files: ["tables"],
  views: ["tables"],
  commands: ["tables", "files", "views"],
  watchdog: ["tables", "files", "views", "commands"],
  object: ["tables", "files", "views", "commands"],
};

/** Only a door may export the jobs object's class: everybody else sees its interfaces in `rpc/`. */
const CLASS_FILE = "src/jobs/export-jobs.ts";

/** An import, or `export … from`, of one file of the repository by another. */
export interface Import {
  from: string;
  to: string;
}

/** Returns every import between files of `root`'s rooms, type imports too; tests and their imports are left out. */
export function listImports(root: string): Import[] {
  const files = Object.keys(ARROWS)
    .flatMap((room) =>
      room === "doors" ? ["src/*.ts"] : [`${folderOf(root, room)}/**/*.{ts,tsx,mjs}`],
    )
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => !/\.test(-d)?\.ts$/.test(file));
  return files.flatMap((from) =>
    importedPaths(readFileSync(join(root, from), "utf8")).map((path) => ({
      from,
      to: posix.normalize(posix.join(posix.dirname(from), path)),
    })),
  );
}

/** Returns a sentence for each import that no arrow allows. */
export function forbiddenImports(root: string): string[] {
  return listImports(root).flatMap(({ from, to }) => {
    const [room, target] = [roomOf(from), roomOf(to)];
    if (to === CLASS_FILE && room !== "doors") {
      return [`${from} imports the class ExportJobs: import an interface of src/rpc/ instead`];
    }
    if (room === "jobs" && target === "jobs" && from !== CLASS_FILE) {
      const [folder, other] = [jobsFolderOf(from), jobsFolderOf(to)];
      if (folder === other || JOBS_ARROWS[folder]?.includes(other)) return [];
      return [`${from} imports ${to}: no arrow leads from jobs/${folder} to jobs/${other}`];
    }
    if (target === undefined || room === target || ARROWS[room ?? ""]?.includes(target)) return [];
    return [`${from} imports ${to}: no arrow leads from ${room} to ${target}`];
  });
}

function folderOf(root: string, room: string): string {
  const inSource = `src/${room}`;
  return existsSync(join(root, inSource)) ? inSource : room;
}

/** The room of a file; undefined for what is no room's, such as package.json. */
function roomOf(file: string): string | undefined {
  const [first = "", second = "", ...rest] = file.split("/");
  if (first !== "src") return first in ARROWS ? first : undefined;
  return rest.length === 0 ? "doors" : second;
}

function jobsFolderOf(file: string): string {
  const [, , folder = "", ...rest] = file.split("/");
  return rest.length === 0 ? "files" : folder;
}

/** Relative paths after `from` and in `import(…)`. */
function importedPaths(text: string): string[] {
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g);
  return [...found].map(([, path = ""]) => path);
}

/** Returns the folders of `src/`, which must all be rooms. */
export function listRooms(root: string): string[] {
  return globSync("src/*/", { cwd: root })
    .map((folder) => relative("src", folder) || dirname(folder))
    .sort();
}
