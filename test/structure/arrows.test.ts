import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";

import packageJson from "../../package.json" with { type: "json" };
import { VERSION } from "../../src/api/version.ts";
import { ARROWS, forbiddenImports, JOBS_ARROWS, listImports, listRooms } from "./arrows.ts";

const ROOT = join(import.meta.dirname, "../..");

test("every import follows an arrow", () => {
  expect(forbiddenImports(ROOT)).toEqual([]);
});

test("every folder of src/ is a room with arrows", () => {
  expect(listRooms(ROOT).filter((room) => !(room in ARROWS))).toEqual([]);
});

test("all imports are read, type imports and exports too", () => {
  const imports = listImports(ROOT);
  expect(imports).toContainEqual({ from: "src/library.ts", to: "src/api/manifest.ts" });
  expect(imports).toContainEqual({ from: "src/config/bindings.ts", to: "src/rpc/jobs-object.ts" });
  expect(imports.length).toBeGreaterThan(800);
});

const planted = mkdtempSync(join(tmpdir(), "arrows-"));
cpSync(join(ROOT, "src"), join(planted, "src"), { recursive: true });
afterAll(() => rmSync(planted, { recursive: true }));

/** A room that each room must not import, and a file in it. */
const FORBIDDEN: Record<string, string> = {
  lib: "api/limits.ts",
  api: "sqlite/catalog.ts",
  client: "sqlite/catalog.ts",
  sqlite: "rpc/cursor.ts",
  rpc: "formats/plan.ts",
  formats: "databases/source.ts",
  databases: "formats/plan.ts",
  notify: "config/settings.ts",
  sealing: "config/settings.ts",
  config: "storage/artifact-store.ts",
  reading: "storage/artifact-store.ts",
  loading: "reading/dump-reader.ts",
  storage: "jobs/jobs-context.ts",
  jobs: "databases/source.ts",
  workflows: "streams/open-stream.ts",
  streams: "workflows/engine/step-name.ts",
  intake: "routes/app-env.ts",
  routes: "workflows/engine/step-name.ts",
  cli: "storage/artifact-store.ts",
  action: "sqlite/catalog.ts",
  demo: "rpc/cursor.ts",
  page: "routes/app-env.ts",
};

test("each room but the doors has a planted import", () => {
  const rooms = Object.keys(ARROWS).filter((room) => room !== "doors" && room !== "scripts");
  expect(Object.keys(FORBIDDEN).sort()).toEqual(rooms.sort());
});

test.each(
  Object.entries(FORBIDDEN).flatMap(([room, to]) => [
    [room, "import { thing }", to],
    [room, "import type { Thing }", to],
  ]),
)("room %s cannot say %s from src/%s", (room, words, to) => {
  const folder = room in { cli: 0, action: 0, demo: 0, page: 0 } ? room : `src/${room}`;
  const file = `${folder}/planted.ts`;
  const up = folder === room ? "../src" : "..";
  mkdirSync(dirname(join(planted, file)), { recursive: true });
  writeFileSync(join(planted, file), `${words} from "${up}/${to}";\n`);
  const found = forbiddenImports(planted);
  rmSync(join(planted, file));
  expect(found).toEqual([
    `${file} imports src/${to}: no arrow leads from ${room} to ${to.split("/")[0]}`,
  ]);
});

/** A file that each folder of `src/jobs/` must not import. */
const FORBIDDEN_IN_JOBS: Record<string, string> = {
  tables: "views/job-view.ts",
  files: "commands/beat.ts",
  views: "commands/beat.ts",
  commands: "watchdog/verdict.ts",
  watchdog: "export-jobs.ts",
  object: "watchdog/verdict.ts",
};

test.each(Object.keys(JOBS_ARROWS))(
  "folder jobs/%s has a planted import, which is found",
  (from) => {
    const to = FORBIDDEN_IN_JOBS[from] ?? "";
    const file = from === "files" ? "src/jobs/planted.ts" : `src/jobs/${from}/planted.ts`;
    writeFileSync(
      join(planted, file),
      `import type { Thing } from "${from === "files" ? "./" : "../"}${to}";\n`,
    );
    const found = forbiddenImports(planted);
    rmSync(join(planted, file));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${file} imports`);
  },
);

test("nobody but a door imports the class ExportJobs", () => {
  const file = join(planted, "src/routes/planted.ts");
  writeFileSync(file, 'import type { ExportJobs } from "../jobs/export-jobs.ts";\n');
  const found = forbiddenImports(planted);
  rmSync(file);
  expect(found).toEqual([
    expect.stringContaining("src/routes/planted.ts imports the class ExportJobs"),
  ]);
});

test("the version in a dump's header is the package's", () => {
  expect(VERSION).toBe(packageJson.version);
});
