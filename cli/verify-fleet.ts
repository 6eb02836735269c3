import { showBytes } from "./download-file.ts";
import { FleetCopy } from "./fleet-copy.ts";
import { TemporaryFolder } from "./temporary-folder.ts";
import type { Terminal } from "./terminal.ts";

/** A copy of a fleet whose files were compared with its manifest. */
export interface VerifiedFleet {
  fleetId: string;
  files: { path: string; bytes: number; sha256: string }[];
}

/**
 * Compares the packs and indexes in a copy of a fleet with its manifest, by SHA-256. Files that age has sealed are
 * opened, and their plain content is compared. Errors: `checksum-mismatch`, those of `FleetCopy`, disk errors.
 */
export async function verifyFleet(
  folder: string,
  {
    terminal,
    ...keys
  }: {
    identityFile: string | undefined;
    publicKeyFile: string | undefined;
    terminal: Terminal;
    signal: AbortSignal;
  },
): Promise<VerifiedFleet> {
  const copy = await FleetCopy.open(folder, keys);
  if (keys.publicKeyFile !== undefined) terminal.note(copy.describeSigner());
  const files: VerifiedFleet["files"] = [];
  for (const { index, ...pack } of copy.manifest.packs) {
    for (const file of [index, pack]) {
      const temporary = new TemporaryFolder();
      const progress = terminal.startProgress("verifying");
      try {
        const onBytes = showBytes(progress, file.bytes);
        const { shown } = await copy.openWhole(file, temporary, onBytes);
        files.push({ path: shown, bytes: file.bytes, sha256: file.sha256 });
      } finally {
        temporary.remove();
        terminal.clearProgress();
      }
    }
  }
  for (const each of copy.describeExports()) terminal.note(each);
  return { fleetId: copy.manifest.fleetId, files };
}
