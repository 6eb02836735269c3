import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { EXAMPLE_PAGES, readPage } from "../support/doc-blocks.ts";
import {
  type DocPlace,
  type DocServer,
  findMissingLines,
  makeDocPlace,
} from "../support/doc-place.ts";
import { runAction } from "../support/run-action.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const TOKEN = "ABC123";

interface Block {
  /** The page's text between the block before and this one. */
  prose: string;
  language: string;
  text: string;
}

function blocksWithProse(page: string): Block[] {
  const found = readPage(page).matchAll(/([^]*?)^```(\w*)\n([^]*?)^```$/gm);
  return [...found].map(([, prose = "", language = "", text = ""]) => ({ prose, language, text }));
}

let place: DocPlace;

beforeAll(async () => {
  place = await makeDocPlace();
  cpSync("test/support/starbasedb", join(place.folder, "starbasedb"), { recursive: true });
}, 120_000);

afterAll(() => place.remove(), 60_000);

/** Runs the commands of a page in the folders that it names, and compares what they print with what it shows. */
async function followPage(page: string): Promise<void> {
  const servers: DocServer[] = [];
  let cwd = place.folder;
  let printed: () => string = () => "";
  try {
    for (const { prose, language, text } of blocksWithProse(page)) {
      if (/in this folder/i.test(prose)) cwd = join(place.checkout, dirname(page));
      if (/in the repository's folder/i.test(prose)) cwd = place.checkout;
      if (language === "") {
        const shown = /the receiver prints/.test(prose) ? servers[0]?.output : printed;
        await expect.poll(() => findMissingLines(shown?.() ?? "", text)).toEqual([]);
      } else if (/wrangler dev|node node\.mjs/.test(text)) {
        const server = await place.start(text, cwd, /(?:--port |PORT=)(\d+)/.exec(text)?.[1] ?? "");
        servers.push(server);
        printed = server.output;
      } else {
        const output = await place.run(text, cwd);
        printed = () => output;
      }
    }
  } finally {
    for (const server of servers) await server.stop();
  }
}

test("every example has a page with a command and its output", () => {
  const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((each) =>
    each.isDirectory(),
  );
  expect(EXAMPLE_PAGES).toEqual(folders.map(({ name }) => `examples/${name}/README.md`).sort());
  for (const page of EXAMPLE_PAGES) {
    const languages = new Set(blocksWithProse(page).map(({ language }) => language));
    expect([...languages].sort(), page).toEqual(["", "sh"]);
  }
});

// Three servers start one after the other, which takes minutes on a busy machine.
describe("examples", { timeout: 400_000 }, () => {
  const pages = EXAMPLE_PAGES.filter((page) => !/starbasedb|github/.test(page));

  test.each(pages)("the commands of %s print what it shows", followPage);

  test("the commands of starbasedb-companion print what its page shows, next to StarbaseDB", async () => {
    const page = "examples/starbasedb-companion/README.md";
    const [, script = ""] = /`(npx wrangler dev [^`]+)`/.exec(readPage(page)) ?? [];
    const starbasedb = await place.start(script, join(place.folder, "starbasedb"), "8787");
    await followPage(page);
    await starbasedb.stop();
  });

  test("the Action of github-workflows prints what its page shows", async () => {
    const [copy, log] = blocksWithProse("examples/github-workflows/README.md");
    const folder = join(place.folder, "yours");
    mkdirSync(folder);
    await place.run(copy?.text ?? "", folder);
    expect(existsSync(join(folder, ".github/workflows/nightly-backup.yml"))).toBe(true);

    const start = `npx wrangler dev --ip 127.0.0.1 --port 8787 --persist-to action --var ADMIN_AUTHORIZATION_TOKEN:${TOKEN}`;
    const worker = await place.start(start, place.checkout, "8787");
    const seed = JSON.stringify({
      transaction: [
        { sql: "CREATE TABLE note(text TEXT)" },
        { sql: "INSERT INTO note VALUES (?)", params: ["hello"] },
      ],
    });
    const query = `curl -sf http://127.0.0.1:8787/query -H 'Authorization: Bearer ${TOKEN}'`;
    await place.run(`${query} -d '${seed}'`, folder);
    const inputs = {
      url: place.urlOf("8787"),
      token: TOKEN,
      path: "backup/main.sql.gz",
      restore: "true",
    };
    const result = await runAction(inputs, { folder });
    expect(result.exitCode, result.log).toBe(0);
    expect(findMissingLines(result.log, log?.text ?? ""), result.log).toEqual([]);
    await worker.stop();
  });
});
