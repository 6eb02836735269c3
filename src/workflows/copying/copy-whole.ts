import { ExportError } from "../../api/errors.ts";
import type { CopiedFile } from "../../rpc/copy-jobs.ts";
import { contentOf, makeSeal } from "./copied-content.ts";
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
    finished.bytes += await copyFile(place, file, bytes);
    finished.files += 1;
    await place.beat();
  }
  return finished;
}

/** Returns how many bytes the copy has. */
async function copyFile(place: CopyPlace, file: CopiedFile, length: number): Promise<number> {
  const { name, content } = file;
  if (content !== null) {
    const plain = await place.readFile(file, { offset: 0, length });
    if (hashBytes(plain) !== content.sha256) throw missing(name);
  }
  const seal = file.isSealed ? await makeSeal(place) : null;
  const { bytes, contentType, read } = contentOf(place, file, length, seal);
  const whole = { offset: 0, length: bytes };
  const sent = await read(whole);
  await place.to.put(place.keyOf(file), sent, { contentType });
  place.count({ bytes, writes: 1 });
  const arrived = await place.readCopy(file, whole);
  if (arrived === undefined || hashBytes(arrived) !== hashBytes(sent)) {
    throw new ExportError("artifact-corrupt", `${name} did not arrive as it was sent`);
  }
  return bytes;
}
