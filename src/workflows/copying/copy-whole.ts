import { ExportError } from "../../api/errors.ts";
import type { CopiedFile } from "../../rpc/copy-jobs.ts";
import { choosePartBytes, type CopyPlace, hashBytes, missing } from "./copy-place.ts";

/**
 * Copies files whole, each read back and compared, until one is too large or the step is over.
 * Returns how many, and their bytes. Errors: `artifact-corrupt` if the destination returns other
 * bytes, `artifact-missing`.
 */
export async function copyWhole(
  place: CopyPlace,
  files: readonly CopiedFile[],
): Promise<{ files: number; bytes: number }> {
  const finished = { files: 0, bytes: 0 };
  for (const file of files) {
    const bytes = await place.findBytes(file);
    if (choosePartBytes(bytes) !== null || place.isOver(finished.files)) break;
    await copyFile(place, file, bytes);
    finished.files += 1;
    finished.bytes += bytes;
    await place.beat();
  }
  return finished;
}

async function copyFile(place: CopyPlace, file: CopiedFile, length: number): Promise<void> {
  const { name, content, contentType } = file;
  const whole = { offset: 0, length };
  const bytes = await place.readFile(file, whole);
  const sha256 = hashBytes(bytes);
  if (content !== null && content.sha256 !== sha256) throw missing(name);
  await place.to.put(place.keyOf(file), bytes, { contentType });
  place.count({ bytes: length, writes: 1 });
  const arrived = await place.readCopy(file, whole);
  if (arrived === undefined || hashBytes(arrived) !== sha256) {
    throw new ExportError("artifact-corrupt", `${name} did not arrive as it was sent`);
  }
}
