import { createWriteStream } from "node:fs";
import { mkdir, rm, writeFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Writable } from "node:stream";

import type { Manifest, ManifestArtifact } from "./answers.ts";
import { CliError, usageError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { diskError, findFileKind } from "./partial-file.ts";

/** Where a download goes, as `-o` says it. */
export type OutputPlace =
  | { kind: "stdout" }
  /** A pipe or device: bytes are streamed, nothing is renamed. */
  | { kind: "device"; path: string }
  /** One file: an artifact, or the ZIP of several. */
  | { kind: "file"; path: string }
  /** A folder that gets every artifact by its name, and the manifest. */
  | { kind: "folder"; path: string };

/**
 * What `output` means for a job with these artifacts: one of them goes into the file, or, where
 * `output` is a folder or ends with a slash, into it by its own name; any other number goes into a
 * folder, or into one ZIP where the name says so.
 */
export async function resolveOutput(output: string, manifest: Manifest): Promise<OutputPlace> {
  const { artifacts } = manifest;
  for (const artifact of artifacts) checkName(artifact);
  if (output === "-") return { kind: "stdout" };
  const kind = await findFileKind(output);
  if (kind === "device") return { kind: "device", path: output };
  if (kind === "folder" || /[/\\]$/.test(output)) return { kind: "folder", path: output };
  if (artifacts.length === 1 || isZipName(output)) return { kind: "file", path: output };
  if (kind === "file") {
    throw usageError(
      `${output} is a file, and this export has ${artifacts.length} of them`,
      "Give a folder with -o, or a name that ends with .zip.",
    );
  }
  return { kind: "folder", path: output };
}

export function isZipName(path: string): boolean {
  return /\.zip$/i.test(path);
}

/** In a folder, which may hold other programs' files. */
export const FOLDER_MANIFEST = "durable-export.manifest.json";

/** In the Worker's ZIP, and so in a folder that it was opened in. */
export const ZIP_MANIFEST = "manifest.json";

/** The manifest's file beside a download. */
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

/** Replaces a file by `text`, wholly or not at all. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.part`;
  try {
    await writeFile(temporary, text, { flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    // What is not there is the folder: the file is to be made.
    const isFolderMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw diskError(error, isFolderMissing ? dirname(path) : path);
  }
}

/** Opens a pipe or device. Its errors reach the writes' callbacks. */
export function openDevice(path: string): Writable {
  const stream = createWriteStream(path, { flags: "w" });
  stream.on("error", () => undefined);
  return stream;
}

/** A name is joined to a path here: nothing but a plain file name of the server is taken. */
function checkName({ name }: ManifestArtifact): void {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[/\\\u0000-\u001f]/.test(name) || name === "" || name === "." || name === "..") {
    throw new CliError(
      "artifact-name",
      `the server gives a file the name ${JSON.stringify(name)}`,
      {
        exitCode: EXIT.failed,
      },
    );
  }
}
