import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";

import { costOfFleet, FLEET_ROWS } from "../../bench/fleet-costs.ts";
import { FLEET_EXAMPLES, fleetExampleRow } from "../support/cost-examples.ts";
import { blocksOf } from "../support/doc-blocks.ts";
import { dumpOfMember, writeFleetCopy } from "../support/fleet-copy-files.ts";
import { installAge } from "../support/install-age.ts";

beforeAll(installAge, 300_000);

/** With one space wherever the formatter has aligned something. */
const docs = readFileSync(new URL("../../docs/fleets.md", import.meta.url), "utf8").replaceAll(
  /\s+/g,
  " ",
);

test.each(FLEET_EXAMPLES.map(fleetExampleRow))("docs/fleets.md calculates: %s", (row) => {
  expect(docs).toContain(row);
});

test("docs/fleets.md has the numbers of rows that costs are calculated with", () => {
  const { readATenant, readARow, writtenAFleet, writtenABatch } = FLEET_ROWS;
  expect(docs).toContain(`${readATenant} for each object, and ${readARow} for each of its rows`);
  expect(docs).toContain(`${writtenAFleet} for a fleet, and ${writtenABatch} for each batch`);
});

test("a fleet of 10,000 objects of 100 KB stays within its bounds", () => {
  const tenants = 10_000;
  const cost = costOfFleet({ tenants, bytes: 1e5, rows: 1_000 });
  expect(cost.steps).toBeLessThanOrEqual(1_000);
  expect(cost.r2ClassAOperations).toBeLessThanOrEqual(2_000);
  expect(cost.rowsWritten).toBeLessThanOrEqual(2 * tenants);
});

test("the commands of docs/fleets.md take an object out of a sealed copy, with this program and without", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fleets-page-"));
  const bin = join(folder, "bin");
  mkdirSync(join(folder, "copy"));
  mkdirSync(bin);
  await writeFleetCopy(join(folder, "copy"), { isSealed: true });
  const cli = join(import.meta.dirname, "../../cli/main.ts");
  writeFileSync(join(bin, "npx"), `#!/bin/bash\nshift\n"${process.execPath}" "${cli}" "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(join(bin, "aws"), "#!/bin/bash\nmv copy/key.txt .\n", { mode: 0o755 });
  const blocks = blocksOf("docs/fleets.md").filter(({ language }) => language === "sh");
  const [extract, byHand, ...others] = blocks.map(({ text }) => text);
  expect(others).toEqual([]);
  const run = (text = "", then = "") =>
    execFileSync("bash", ["-euo", "pipefail", "-c", `${text}\n${then}`], {
      cwd: folder,
      encoding: "utf8",
      env: { HOME: folder, PATH: `${bin}:${process.env["PATH"] ?? ""}` },
    });
  try {
    expect(run(extract, "sqlite3 acme.sqlite 'SELECT x FROM t'")).toContain("acme\n");
    rmSync(join(folder, "acme.sql.gz"));
    run(byHand);
    expect(readFileSync(join(folder, "acme.sql.gz")).equals(dumpOfMember("acme"))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
