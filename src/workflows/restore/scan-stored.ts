import { createHash } from "node:crypto";

import { ExportError } from "../../api/errors.ts";
import { readScript } from "../../loading/read-script.ts";
import { scanScript, type ScannedScript } from "../../loading/scan-script.ts";
import type { ScriptRecord } from "../../rpc/load-plan.ts";
import type { StoredScript } from "../../storage/find-script.ts";
import { readStored } from "../../storage/read-stored.ts";
import type { RunContext } from "../engine/run-context.ts";

/**
 * Reads a whole stored script, as loading it needs to know it. Errors: `script-invalid`, also if its bytes do not have
 * the known hash; `script-changed`; the store's own.
 */
export async function scanStored(
  { store, beat }: Pick<RunContext, "store" | "beat">,
  { sha256, ...place }: Pick<StoredScript, "key" | "offset" | "sha256">,
  file: Pick<ScriptRecord, "bytes" | "compression" | "frames">,
): Promise<{ scanned: ScannedScript; textBytes: number }> {
  const hash = createHash("sha256");
  const hashed = sha256 === null ? {} : { onRead: (block: Uint8Array) => void hash.update(block) };
  let textBytes = 0;
  const count = async function* (): AsyncGenerator<Uint8Array> {
    const text = readScript((range) => readStored(store, place, range), file, {
      from: 0,
      ...hashed,
    });
    for await (const chunk of text) {
      textBytes += chunk.length;
      yield chunk;
    }
  };
  const scanned = await scanScript(count(), beat);
  if (sha256 !== null && hash.digest("hex") !== sha256) {
    throw new ExportError(
      "script-invalid",
      `the stored script does not have the SHA-256 ${sha256} that it should have`,
    );
  }
  return { scanned, textBytes };
}
