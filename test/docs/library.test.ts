import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { experimental_readRawConfig as readRawConfig } from "wrangler";
import { expect, test } from "vitest";

import { blocksOf } from "../support/doc-blocks.ts";

test("docs/library.md shows the whole configuration of examples/mounted-app", () => {
  const [block, ...others] = blocksOf("docs/library.md").filter(
    ({ language }) => language === "jsonc",
  );
  expect(others).toEqual([]);
  const folder = mkdtempSync(join(tmpdir(), "docs-library-"));
  try {
    const path = join(folder, "wrangler.jsonc");
    writeFileSync(path, block?.text ?? "");
    const example = join(import.meta.dirname, "../../examples/mounted-app/wrangler.jsonc");
    // The schema's path is the example's own.
    const { $schema: _, ...expected } = readRawConfig({ config: example }).rawConfig;
    expect(readRawConfig({ config: path }).rawConfig).toEqual(expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
