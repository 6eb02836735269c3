import { createHash } from "node:crypto";

import { scanScript } from "../src/loading/scan-script.ts";
import { showBytes } from "./download-file.ts";
import { readScriptFile, toScriptError } from "./read-script-file.ts";
import type { ScriptInput } from "./script-input.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Reads a script once, before anything is sent, and returns the SHA-256 of the stored file. Errors:
 * `script-invalid`, which names statement and line, if the file is damaged or is not a script; those of
 * `readScriptFile`.
 */
export async function checkScript(
  script: ScriptInput,
  { terminal, signal }: { terminal: Terminal; signal: AbortSignal },
): Promise<string> {
  if (script.dump !== undefined) return script.dump.sha256;
  const hash = createHash("sha256");
  const show = showBytes(terminal.startProgress("checking"), script.bytes);
  let bytes = 0;
  const onChunk = (chunk: Uint8Array) => {
    hash.update(chunk);
    bytes += chunk.length;
    show(bytes);
  };
  try {
    await scanScript(readScriptFile(script, { signal, onChunk }));
  } catch (error) {
    throw toScriptError(error, script.shown);
  } finally {
    terminal.clearProgress();
  }
  return hash.digest("hex");
}
