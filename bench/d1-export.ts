import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { fillFile, findDatabase } from "./bench-worker.ts";
import type { Dataset } from "./datasets.ts";
import { withFolder } from "./folder.ts";
import { timeCommand } from "./processes.ts";

const CONFIG = {
  name: "durable-export-bench-d1",
  compatibility_date: "2026-11-01",
  d1_databases: [
    { binding: "DB", database_name: "bench", database_id: "00000000-0000-4000-8000-000000000000" },
  ],
};

/** Seconds of `wrangler d1 export --local` for the same content, including the tool's own start. */
export function measureD1Export({ fill }: Dataset, bytes: number): Promise<number> {
  return withFolder(async (folder) => {
    await runD1(folder, "execute bench --command 'SELECT 1'");
    const root = join(folder, ".wrangler", "state", "v3", "d1");
    fillFile(findDatabase(root, "D1DatabaseObject"), (db) => fill(db, bytes));
    return exportD1(folder);
  });
}

/** Exports the local D1 database whose state is in `folder`; returns seconds. */
export function exportD1(folder: string): Promise<number> {
  return runD1(folder, `export bench --output '${join(folder, "d1.sql")}'`);
}

/** The tool uses only the state next to its configuration. */
async function runD1(folder: string, words: string): Promise<number> {
  const config = join(folder, "wrangler.json");
  writeFileSync(config, JSON.stringify(CONFIG));
  const wrangler = createRequire(import.meta.url).resolve("wrangler/package.json");
  const command =
    `'${process.execPath}' '${join(wrangler, "..", "bin", "wrangler.js")}' d1 ${words} --local ` +
    `--config '${config}'`;
  return (await timeCommand(command, join(folder, "output"))).seconds;
}
