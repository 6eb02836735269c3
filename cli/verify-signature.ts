import { readFile } from "node:fs/promises";

import { isSignedBy, readPublicKey } from "../src/sealing/signature.ts";
import { CliError, usageError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { diskError } from "./partial-file.ts";

/**
 * Requires that a manifest is exactly what the owner of the key signed. Errors: `checksum-mismatch`
 * if it or its signature was changed, or another key signed it; disk errors. Throws a usage error if
 * the file contains no public key.
 */
export async function requireSigned(
  manifest: { shown: string; text: string },
  { signature, publicKeyFile }: { signature: Uint8Array<ArrayBuffer>; publicKeyFile: string },
): Promise<void> {
  const text = await readFile(publicKeyFile, "utf8").catch((error: unknown) => {
    throw diskError(error, publicKeyFile);
  });
  const key = await readPublicKey(text);
  if (key === undefined) {
    throw usageError(
      `${publicKeyFile} contains no Ed25519 public key`,
      "Make a key pair with `durable-export keygen`.",
    );
  }
  const bytes = new TextEncoder().encode(manifest.text);
  if (await isSignedBy(key, signature, bytes)) return;
  const message = `${manifest.shown} is not what the key in ${publicKeyFile} signed`;
  throw new CliError("checksum-mismatch", message, {
    exitCode: EXIT.failed,
    hint: "The manifest or its signature was changed, or another key signed it.",
  });
}

/** Returns the signature next to a manifest; undefined if there is none. Errors: disk errors. */
export async function findSignature(
  manifestPath: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const path = `${manifestPath}.sig`;
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw diskError(error, path);
  }
}

/** Returns the usage error for a manifest that has no signature next to it. */
export function unsigned(
  manifestPath: string,
  hint = "Get it from the Worker with --job JOB, or from the folder of the copy.",
): CliError {
  return usageError(`there is no signature ${manifestPath}.sig`, hint);
}
