/**
 * Takes `prepare` out of the package.json that is packed. The package is built by then, but npm 11.19 and newer
 * warn of the script at every install of a tarball or from Git, although it does not run there.
 *
 * node scripts/pack-manifest.mjs trim      before npm packs a checkout
 * node scripts/pack-manifest.mjs restore   after that
 * node scripts/pack-manifest.mjs clone     after `prepare`: trims only a clone that npm has made to install from Git
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/** What npm sets while it prepares a clone, and nowhere else. Without it, an install from Git only warns. */
const CLONE_VARIABLE = "_PACOTE_NO_PREPARE_";

const KEPT = "package.json.tmp";

function trim() {
  const text = readFileSync("package.json", "utf8");
  const { scripts, ...rest } = JSON.parse(text);
  const { prepare: _prepare, ...others } = scripts;
  writeFileSync(KEPT, text);
  writeFileSync("package.json", `${JSON.stringify({ ...rest, scripts: others }, null, 2)}\n`);
}

function restore() {
  if (existsSync(KEPT)) renameSync(KEPT, "package.json");
}

const [what] = process.argv.slice(2);
if (what === "trim") trim();
else if (what === "restore") restore();
else if (what === "clone" && process.env[CLONE_VARIABLE] !== undefined) trim();
