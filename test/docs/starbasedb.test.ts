import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { readPage } from "../support/doc-blocks.ts";
import { type DocPlace, makeDocPlace } from "../support/doc-place.ts";

/** Two folders side by side, as a reader has them: this repository and StarbaseDB. */
let place: DocPlace;

/** The commands below a heading of the page. */
function commandsBelow(heading: string): string[] {
  const page = readPage("docs/starbasedb.md");
  const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
}

function askStarbaseDb(sql: string): Promise<string> {
  return place.run(`curl -sf http://127.0.0.1:8787/query -d '${JSON.stringify({ sql })}'`, ".");
}

beforeAll(async () => {
  place = await makeDocPlace();
  cpSync("test/support/starbasedb", join(place.folder, "starbasedb"), { recursive: true });
}, 120_000);

afterAll(() => place.remove(), 60_000);

describe("docs/starbasedb.md", () => {
  test("leads to a dump of the StarbaseDB that runs locally, by its own commands", async () => {
    const [startStarbaseDb = "", startCompanion = "", download = ""] =
      commandsBelow("Local development");
    await place.start(startStarbaseDb, join(place.folder, "starbasedb"), "8787");
    await place.start(
      startCompanion,
      join(place.checkout, "examples/starbasedb-companion"),
      "8788",
    );
    await askStarbaseDb("CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT)");
    await askStarbaseDb(`INSERT INTO users VALUES (1, char(65, 100, 97))`);
    await place.run(download, place.folder);
    const dump = readFileSync(join(place.folder, "database_dump.sql"), "utf8");
    expect(dump).toContain("(1,'Ada')");
    expect(dump).toContain("tmp_cron_tasks");
  });
});
