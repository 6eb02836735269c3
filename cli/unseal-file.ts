import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";

import { isSealed, openSealed, parseIdentities, SealFault } from "../src/sealing/open-sealed.ts";
import { CliError, throwIfInterrupted, usageError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { diskError } from "./partial-file.ts";
import { readScriptHead } from "./read-script-file.ts";
import type { TemporaryFolder } from "./temporary-folder.ts";

interface UnsealOptions {
  /** The file's name in messages. */
  shown: string;
  /** The file with the private keys of age; undefined if the user named none. */
  identityFile: string | undefined;
  /** The folder for the plain file. Only this user can read it, and it goes with the folder. */
  temporary: TemporaryFolder;
  signal: AbortSignal;
}

/**
 * Returns the path of a file's plain bytes: its own, unless age has sealed it. A sealed file is
 * opened into a temporary file, complete or not at all. Errors: `checksum-mismatch` if it was
 * changed, cut off or sealed for other keys, `file` and `disk-full` for disk errors, `Interrupted`.
 * Throws a usage error if there is no identity file, or no private key in it.
 */
export async function unsealFile(path: string, options: UnsealOptions): Promise<string> {
  const { shown, identityFile, temporary } = options;
  if (!isSealed(await readScriptHead(path, shown))) return path;
  if (identityFile === undefined) {
    throw usageError(
      `${shown} is sealed by age`,
      "Name the file with its private key: --identity FILE.",
    );
  }
  const identities = await readIdentities(identityFile);
  const output = join(await temporary.open(), basename(path).replace(/\.age$/, ""));
  await openInto(path, output, { shown, identities, signal: options.signal });
  return output;
}

async function readIdentities(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw diskError(error, path);
  });
  try {
    return parseIdentities(text);
  } catch (error) {
    if (error instanceof SealFault) throw usageError(`${path}: ${error.message}`);
    throw error;
  }
}

async function openInto(
  path: string,
  output: string,
  options: { shown: string; identities: readonly string[]; signal: AbortSignal },
): Promise<void> {
  const { shown, identities, signal } = options;
  const sealed = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
  const file = await open(output, "wx", 0o600).catch((error: unknown) => {
    throw diskError(error, output, false);
  });
  try {
    for await (const chunk of await openSealed(sealed, identities)) {
      throwIfInterrupted(signal);
      await file.write(chunk).catch((error: unknown) => {
        throw diskError(error, output, false);
      });
    }
  } catch (error) {
    throw describeFault(error, shown);
  } finally {
    await file.close();
  }
}

function describeFault(error: unknown, shown: string): unknown {
  if (error instanceof SealFault) {
    return new CliError("checksum-mismatch", `${shown} cannot be opened: ${error.message}`, {
      exitCode: EXIT.failed,
      hint: "Get the file again, or name another identity file.",
      cause: error,
    });
  }
  return error instanceof CliError ? error : diskError(error, shown);
}
