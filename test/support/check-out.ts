import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

const REPOSITORY = join(import.meta.dirname, "..", "..");

/** Files in the repository's folder that Git does not track, and Git's own. */
const LEFT = new Set([".git", "node_modules", "dist", ".wrangler", "demo-output", "coverage"]);

/**
 * Copies the repository to a new folder as `git clone` would leave it, including uncommitted
 * changes.
 */
export function checkOut(to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(REPOSITORY)) {
    if (!LEFT.has(name)) cpSync(join(REPOSITORY, name), join(to, name), { recursive: true });
  }
}
