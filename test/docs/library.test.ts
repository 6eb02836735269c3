import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { experimental_readRawConfig as readRawConfig } from "wrangler";
import { expect, test } from "vitest";

import { blocksOf } from "../support/doc-blocks.ts";

const blocks = blocksOf("docs/library.md").filter(({ language }) => language === "jsonc");

test("docs/library.md shows the whole configuration of examples/mounted-app", () => {
  const { shown, example } = readConfigs(0, "mounted-app");
  expect(shown).toEqual(example);
});

test("docs/library.md shows the service binding of examples/service-binding", () => {
  const { shown, example } = readConfigs(1, "service-binding");
  expect(example["services"]).toHaveLength(1);
  expect(shown).toEqual({ services: example["services"] });
});

test("docs/library.md shows no other configuration", () => {
  expect(blocks).toHaveLength(2);
});

/** Reads a block of the page, and an example's configuration without the schema's path, which is the example's own. */
function readConfigs(
  block: number,
  name: string,
): Record<"shown" | "example", Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), "docs-library-"));
  try {
    const path = join(folder, "wrangler.jsonc");
    writeFileSync(path, blocks[block]?.text ?? "");
    const ofExample = join(import.meta.dirname, `../../examples/${name}/wrangler.jsonc`);
    const { $schema: _, ...example } = readRawConfig({ config: ofExample }).rawConfig;
    return { shown: { ...readRawConfig({ config: path }).rawConfig }, example };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
