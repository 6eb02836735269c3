import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { diskError } from "./partial-file.ts";

/** A folder in the system's temporary folder. It is created on first use and removed when the process exits. */
export class TemporaryFolder {
  #path: string | undefined;

  /** Returns the folder's path. Errors: `file` and `disk-full` for disk errors. */
  async open(): Promise<string> {
    if (this.#path !== undefined) return this.#path;
    try {
      this.#path = await mkdtemp(join(tmpdir(), "durable-export-restore-"));
    } catch (error) {
      throw diskError(error, tmpdir(), false);
    }
    process.once("exit", this.#remove);
    return this.#path;
  }

  /** Removes the folder. May be called again. */
  remove(): void {
    process.removeListener("exit", this.#remove);
    this.#remove();
  }

  readonly #remove = (): void => {
    if (this.#path !== undefined) rmSync(this.#path, { recursive: true, force: true });
  };
}
