import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { type TimedCommand, timeCommand } from "./processes.ts";

const CONFIG = {
  name: "durable-export-bench-d1",
  compatibility_date: "2026-11-01",
  d1_databases: [
    { binding: "DB", database_name: "bench", database_id: "00000000-0000-4000-8000-000000000000" },
  ],
};

/** Exports the local D1 database whose state is in `folder`. The seconds include the tool's own start. */
export function exportD1(folder: string): Promise<TimedCommand> {
  return runD1(folder, `export bench --output '${join(folder, "d1.sql")}'`);
}

/** The tool uses only the state next to its configuration. */
function runD1(folder: string, words: string): Promise<TimedCommand> {
  const config = join(folder, "wrangler.json");
  writeFileSync(config, JSON.stringify(CONFIG));
  const wrangler = createRequire(import.meta.url).resolve("wrangler/package.json");
  const command =
    `'${process.execPath}' '${join(wrangler, "..", "bin", "wrangler.js")}' d1 ${words} --local ` +
    `--config '${config}'`;
  return timeCommand(command, join(folder, "output"));
}
