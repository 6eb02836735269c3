import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

const REPOSITORY = join(import.meta.dirname, "..", "..");

/** What Git does not keep of the folder of the repository, and its own. */
const LEFT = new Set([".git", "node_modules", "dist", ".wrangler", "demo-output", "coverage"]);

/** Copies the repository to a new folder as `git clone` would leave it, changes that wait included. */
export function checkOut(to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(REPOSITORY)) {
    if (!LEFT.has(name)) cpSync(join(REPOSITORY, name), join(to, name), { recursive: true });
  }
}
