import { ExportError } from "../../api/errors.ts";
import { fromBase64, toBase64 } from "../../lib/bytes.ts";
import type { CopiedFile, CopySeal } from "../../rpc/copy-jobs.ts";
import { createSeal, countSealedBytes, type Seal, sealRange } from "../../sealing/seal.ts";
import type { ByteRange } from "../../storage/artifact-store.ts";
import type { CopyPlace } from "./copy-place.ts";

/** The bytes of a copy, plain or sealed: the same whenever they are read with the same seal. */
export interface CopiedContent {
  bytes: number;
  contentType: string;
  /** Errors: `artifact-missing` if the file is gone. */
  read: (range: ByteRange) => Promise<Uint8Array>;
}

/** Makes the seal of one copy of a file. Errors: `configuration-invalid` if nobody could open it. */
export async function makeSeal({ recipients }: CopyPlace): Promise<CopySeal> {
  if (recipients.length === 0) {
    const message = "EXPORT_AGE_RECIPIENTS: it contains no key, but this copy must be sealed";
    throw new ExportError("configuration-invalid", message);
  }
  const { header, streamKey } = await createSeal(recipients);
  return { header: toBase64(header), streamKey: toBase64(streamKey) };
}

/** Returns what the copy of a file of `bytes` contains. */
export function contentOf(
  place: CopyPlace,
  file: CopiedFile,
  bytes: number,
  copySeal: CopySeal | null,
): CopiedContent {
  const { contentType } = file;
  if (copySeal === null) {
    return { bytes, contentType, read: (range) => place.readFile(file, range) };
  }
  const seal = parseSeal(copySeal);
  return {
    bytes: countSealedBytes(seal, bytes),
    contentType: "application/octet-stream",
    read: (range) =>
      sealRange(seal, bytes, range, (plain) => place.from.read(file.objectKey, plain)),
  };
}

function parseSeal({ header, streamKey }: CopySeal): Seal {
  return { header: fromBase64(header), streamKey: fromBase64(streamKey) };
}
