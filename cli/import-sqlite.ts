import { usageError } from "./cli-error.ts";

/**
 * Imports `node:sqlite`. `what` is the option or file that needs it, for the message. Throws a usage error if this
 * Node lacks it: it came with Node 22.5, and works without a flag since 22.13.
 */
export async function importSqlite(what: string): Promise<typeof import("node:sqlite")> {
  try {
    return await import("node:sqlite");
  } catch {
    throw usageError(
      `${what} needs node:sqlite, and Node ${process.version} has none`,
      "Use Node 22.13 or newer, or the sqlite3 shell's .dump and .read.",
    );
  }
}
