import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

test("`wrangler deploy --dry-run` accepts the configuration as it is", () => {
  const wrangler = createRequire(import.meta.url).resolve("wrangler/package.json");
  const output = mkdtempSync(join(tmpdir(), "deploy-"));
  try {
    const printed = execFileSync(
      process.execPath,
      [join(dirname(wrangler), "bin/wrangler.js"), "deploy", "--dry-run", "--outdir", output],
      { encoding: "utf8", env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
    );
    for (const binding of [
      "EXPORT_JOBS",
      "EXPORT_SCRATCH",
      "EXPORT_WORKFLOW",
      "EXPORT_R2_BUCKET",
    ]) {
      expect(printed).toContain(`env.${binding} `);
    }
  } finally {
    rmSync(output, { recursive: true });
  }
});
