/**
 * Takes `prepare` out of the package.json that npm packs, and puts it back. The package is built by then, but npm
 * 11.19 and newer warn of the script at every install of a tarball, although it does not run there.
 *
 * node scripts/pack-manifest.mjs trim | restore
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/** The whole package.json while npm packs. Git ignores it. */
const WHOLE = "package.json.tmp";

if (process.argv[2] === "trim") {
  const text = readFileSync("package.json", "utf8");
  const { scripts, ...rest } = JSON.parse(text);
  const { prepare: _prepare, ...others } = scripts;
  writeFileSync(WHOLE, text);
  writeFileSync("package.json", `${JSON.stringify({ ...rest, scripts: others }, null, 2)}\n`);
} else if (existsSync(WHOLE)) {
  renameSync(WHOLE, "package.json");
}
