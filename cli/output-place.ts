import { createWriteStream } from "node:fs";
import { mkdir, rm, writeFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Writable } from "node:stream";

import type { Manifest, ManifestArtifact } from "./answers.ts";
import { CliError, usageError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { diskError, findFileKind } from "./partial-file.ts";

/** The destination of a download, according to `-o`. */
export type OutputPlace =
  | { kind: "stdout" }
  /** A pipe or device: bytes are streamed, nothing is renamed. */
  | { kind: "device"; path: string }
  /** One file: an artifact, or the ZIP of several. */
  | { kind: "file"; path: string }
  /** An SQLite file, made from the SQL dump. */
  | { kind: "sqlite"; path: string }
  /** A folder that receives every artifact under its name, and the manifest. */
  | { kind: "folder"; path: string };

/**
 * Returns the destination that `output` means for a job with these artifacts. A single artifact goes into the file,
 * or into a folder under its own name if `output` is a folder or ends with a slash. Several artifacts go into a
 * folder, or into one ZIP if the name ends in `.zip`. The name of an SQLite file asks for one, whatever the format.
 */
export async function resolveOutput(output: string, manifest: Manifest): Promise<OutputPlace> {
  const { artifacts } = manifest;
  for (const artifact of artifacts) checkName(artifact);
  if (output === "-") return { kind: "stdout" };
  const kind = await findFileKind(output);
  if (kind === "device") return { kind: "device", path: output };
  if (kind === "folder" || /[/\\]$/.test(output)) return { kind: "folder", path: output };
  if (isSqliteName(output)) return { kind: "sqlite", path: output };
  if (artifacts.length === 1 || isZipName(output)) return { kind: "file", path: output };
  if (kind === "file") {
    throw usageError(
      `${output} is a file, but this export has ${artifacts.length} files`,
      "Pass a folder with -o, or a name that ends with .zip.",
    );
  }
  return { kind: "folder", path: output };
}

export function isZipName(path: string): boolean {
  return /\.zip$/i.test(path);
}

/** Returns true if a dump becomes an SQLite file because of the output's name: `.sqlite`, `.sqlite3` or `.db`. */
export function isSqliteName(path: string): boolean {
  return /\.(?:sqlite3?|db)$/i.test(path);
}

/** Used in a folder, which may contain other programs' files. */
export const FOLDER_MANIFEST = "durable-export.manifest.json";

/** Used in the Worker's ZIP, and so in a folder into which the ZIP was unpacked, and in copies at destinations. */
export const ZIP_MANIFEST = "manifest.json";

/** The same for the signature of a manifest. */
export const ZIP_SIGNATURE = "manifest.json.sig";

/** Returns the path of the manifest's file next to a download. */
export function manifestPathOf(place: { kind: "file" | "folder"; path: string }): string {
  return place.kind === "file" ? `${place.path}.manifest.json` : join(place.path, FOLDER_MANIFEST);
}

export function artifactPathOf(
  place: { kind: "file" | "folder"; path: string },
  artifact: ManifestArtifact,
): string {
  return place.kind === "file" ? place.path : join(place.path, artifact.name);
}

export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw diskError(error, path);
  }
}

/** Replaces a file with `text`, completely or not at all. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.part`;
  try {
    await writeFile(temporary, content, { flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    // The file will be created, so if something does not exist, it is the folder.
    const isFolderMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw diskError(error, isFolderMissing ? dirname(path) : path);
  }
}

/** Opens a pipe or device. Its errors reach the callbacks of writes. */
export function openDevice(path: string): Writable {
  const stream = createWriteStream(path, { flags: "w" });
  stream.on("error", () => undefined);
  return stream;
}

/** The name becomes part of a path: only a plain file name is accepted from the server. */
function checkName({ name }: ManifestArtifact): void {
  // oxlint-disable-next-line no-control-regex -- the check looks for control characters
  if (/[/\\\u0000-\u001f]/.test(name) || name === "" || name === "." || name === "..") {
    throw new CliError(
      "artifact-name",
      `the server returned a file with the invalid name ${JSON.stringify(name)}`,
      {
        exitCode: EXIT.failed,
      },
    );
  }
}
