import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import * as v from "valibot";

import {
  type Manifest,
  type ManifestArtifact,
  ManifestSchema,
  type ManifestText,
} from "./answers.ts";
import { CliError, usageError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatCount, formatNumberOf } from "./format.ts";
import { FOLDER_MANIFEST, isZipName, manifestPathOf, ZIP_MANIFEST } from "./output-place.ts";
import { diskError, findFileKind, hashFile, proveFile } from "./partial-file.ts";
import { isSealed } from "../src/sealing/open-sealed.ts";
import { readScriptHead } from "./read-script-file.ts";
import { storedArtifact } from "./stored-artifact.ts";
import { findSignature } from "./verify-signature.ts";
import { ZipProof } from "./zip-proof.ts";

/** What follows the name of a file that age has sealed. */
const SEALED_SUFFIX = ".age";

/** A file and what the manifest records about it: one artifact, or all of them as a ZIP. */
export type Claim = {
  path: string;
  /** What messages call it, if not its path. */
  shown?: string;
} & ({ artifact: ManifestArtifact } | { zipOf: ManifestText });

/** Reads a manifest that is next to `path` (a file or folder), or at `named`. */
export async function readManifest(path: string, named: string | undefined): Promise<ManifestText> {
  const candidates = named === undefined ? await manifestsBeside(path) : [named];
  for (const candidate of candidates) {
    let text: string;
    try {
      text = await readFile(candidate, "utf8");
    } catch (error) {
      if (named === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") continue;
      throw diskError(error, candidate);
    }
    const signature = await findSignature(candidate);
    return { path: candidate, text, signature, manifest: parseManifest(text, candidate) };
  }
  await sizeOf(path);
  throw usageError(
    `there is no manifest next to ${path}`,
    "Name it with --manifest FILE, or get it from the Worker with --job JOB.",
  );
}

/** Returns the files that a manifest covers: `path` itself, or all files of a folder. */
export async function claimsOf(path: string, kept: ManifestText): Promise<Claim[]> {
  const { artifacts } = kept.manifest;
  if ((await findFileKind(path)) === "folder") {
    return artifacts.map((artifact) => {
      const plain = join(path, artifact.name);
      const sealed = `${plain}${SEALED_SUFFIX}`;
      return { path: !existsSync(plain) && existsSync(sealed) ? sealed : plain, artifact };
    });
  }
  const name = basename(path);
  const artifact =
    artifacts.length === 1
      ? artifacts[0]
      : artifacts.find((each) => each.name === name || `${each.name}${SEALED_SUFFIX}` === name);
  if (artifact !== undefined) return [{ path, artifact }];
  if (isZipName(path)) return [{ path, zipOf: kept }];
  throw usageError(`the manifest does not list a file named ${JSON.stringify(basename(path))}`);
}

/**
 * Returns the claim that a file is the sealed one that the manifest lists; undefined if the file is
 * not sealed, or the manifest lists only the plain one. Errors: disk errors.
 */
export async function findSealedClaim(claim: Claim): Promise<Claim | undefined> {
  if (!("artifact" in claim) || claim.artifact.sealed === undefined) return undefined;
  const { path, shown = path, artifact } = claim;
  if (!isSealed(await readScriptHead(path, shown))) return undefined;
  return { ...claim, artifact: storedArtifact(artifact) };
}

/**
 * Compares a file with the manifest: an artifact by size and SHA-256, a ZIP by the sizes and SHA-256s of all its
 * entries. Returns its size and SHA-256. Errors: `checksum-mismatch`, which names the chunk in which an artifact
 * differs, and disk errors.
 */
export async function verifyFile(
  claim: Claim,
  progress: { signal: AbortSignal; showBytes: (totalBytes: number) => (bytes: number) => void },
): Promise<{ bytes: number; sha256: string }> {
  const { path, shown = path } = claim;
  const { signal } = progress;
  const bytes = await sizeOf(path);
  const onBytes = progress.showBytes(bytes);
  if ("artifact" in claim) {
    await verifyArtifact(claim, { size: bytes, signal, onBytes });
    return { bytes, sha256: claim.artifact.sha256 };
  }
  const { isProved, sha256 } = await proveFile(path, new ZipProof(claim.zipOf), {
    signal,
    onBytes,
  });
  if (isProved) return { bytes, sha256 };
  throw differs(`${shown} is not the ZIP of the files that the manifest lists`);
}

async function verifyArtifact(
  { path, shown = path, artifact }: Extract<Claim, { artifact: unknown }>,
  {
    size,
    signal,
    onBytes,
  }: { size: number; signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<void> {
  if (size === artifact.bytes) {
    if ((await hashFile(path, { signal, onBytes })) === artifact.sha256) return;
    throw differs(
      `${shown} differs from the manifest${await placeOfDamage(path, artifact, signal)}`,
    );
  }
  throw differs(
    `${shown} has ${formatNumberOf(size, "byte")}, but the manifest lists ${formatCount(artifact.bytes)}`,
  );
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    throw diskError(error, path);
  }
}

async function manifestsBeside(path: string): Promise<string[]> {
  if ((await findFileKind(path)) === "folder") {
    return [manifestPathOf({ kind: "folder", path }), join(path, ZIP_MANIFEST)];
  }
  const folder = dirname(path);
  const own = manifestPathOf({ kind: "file", path });
  // A copy at a destination has its manifest under the last name.
  return [own, join(folder, FOLDER_MANIFEST), join(folder, ZIP_MANIFEST)];
}

function parseManifest(text: string, path: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CliError("manifest-invalid", `${path} is not a manifest: it is not JSON`, {
      exitCode: EXIT.failed,
      cause,
    });
  }
  const parsed = v.safeParse(ManifestSchema, json);
  if (parsed.success) return parsed.output;
  const where = parsed.issues.map((issue) => v.getDotPath(issue) ?? "the whole").join(", ");
  throw new CliError("manifest-invalid", `${path} is not a manifest: wrong at ${where}`, {
    exitCode: EXIT.failed,
  });
}

/** Describes the first damaged chunk, if the manifest's chunks reveal it. */
async function placeOfDamage(
  path: string,
  { chunks, bytes }: ManifestArtifact,
  signal: AbortSignal,
): Promise<string> {
  if (chunks.reduce((sum, chunk) => sum + chunk.bytes, 0) !== bytes) return "";
  let offset = 0;
  for (const chunk of chunks) {
    const range = { offset, length: chunk.bytes };
    if ((await hashFile(path, { signal, range })) !== chunk.sha256) {
      return ` within bytes ${formatCount(offset)} to ${formatCount(offset + chunk.bytes - 1)}`;
    }
    offset += chunk.bytes;
  }
  return "";
}

function differs(message: string): CliError {
  return new CliError("checksum-mismatch", message, {
    exitCode: EXIT.failed,
    hint: "The file was changed or cut off: download it again.",
  });
}
