import { basename } from "node:path";

import type { Manifest, ManifestArtifact } from "./answers.ts";
import type { ApiClient } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { downloadFile } from "./download-file.ts";
import { downloadStream, streamArchive } from "./download-stream.ts";
import { EXIT } from "./exit-codes.ts";
import { formatBytes, formatCount } from "./format.ts";
import type { Host } from "./host.ts";
import {
  artifactPathOf,
  makeFolder,
  manifestPathOf,
  openDevice,
  type OutputPlace,
  resolveOutput,
  writeWhole,
} from "./output-place.ts";
import type { Terminal } from "./terminal.ts";

/** What a download has brought; `dump --json` and `download --json` print it. */
export interface DownloadResult {
  jobId: string;
  source: string;
  format: string;
  compression: string;
  consistency: string;
  content: string;
  snapshotAt: string;
  /** The file or folder; null on standard output. */
  path: string | null;
  manifestPath: string | null;
  /** True where the bytes were compared with the manifest's SHA-256. */
  verified: boolean;
  /** Of the one file; null where there are several. */
  sha256: string | null;
  bytes: number;
  rows: number;
  files: { name: string; path: string | null; bytes: number; sha256: string }[];
  tables: { name: string; rows: number; bytes: number }[];
  warnings: string[];
}

export interface DownloadRequest {
  client: ApiClient;
  terminal: Terminal;
  host: Pick<Host, "stdout">;
  jobId: string;
  /** As `-o` says it; undefined: the artifact's own name in the working directory. */
  output: string | undefined;
  /** One artifact of several, by its name. */
  only?: string | undefined;
}

/** Downloads and verifies a completed job's artifacts, and keeps the manifest beside them. */
export async function downloadArtifacts(request: DownloadRequest): Promise<DownloadResult> {
  const { client, jobId } = request;
  const { text, manifest: whole } = await client.getManifest(jobId);
  const manifest = { ...whole, artifacts: choose(whole, request.only) };
  const place = await resolveOutput(request.output ?? defaultOutput(manifest), manifest);
  const isVerified = await writePlace(request, place, manifest.artifacts);
  const manifestPath =
    place.kind === "file" || place.kind === "folder" ? manifestPathOf(place) : null;
  if (manifestPath !== null) await writeWhole(manifestPath, text);
  return resultOf({ jobId, manifest, place, manifestPath, isVerified });
}

/** One line about what has been brought. */
export function summaryOf(result: DownloadResult): string {
  const { path, bytes, rows, files, sha256, verified } = result;
  const what = path ?? "standard output";
  const parts = [
    formatBytes(bytes),
    `${formatCount(rows)} rows`,
    ...(files.length === 1 ? [] : [`${files.length} files`]),
    verified ? "verified" : "not verified",
    ...(sha256 === null ? [] : [`sha256 ${sha256}`]),
  ];
  return `${what}: ${parts.join(", ")}`;
}

function choose(manifest: Manifest, only: string | undefined): ManifestArtifact[] {
  if (only === undefined) return manifest.artifacts;
  const found = manifest.artifacts.filter((artifact) => artifact.name === only);
  if (found.length > 0) return found;
  const names = manifest.artifacts.slice(0, 10).map((artifact) => artifact.name);
  throw new CliError("no-such-artifact", `the export has no artifact ${JSON.stringify(only)}`, {
    exitCode: EXIT.refused,
    hint: `It has: ${names.join(", ")}`,
  });
}

function defaultOutput({ artifacts, source, format }: Manifest): string {
  const [first] = artifacts;
  return artifacts.length === 1 && first !== undefined
    ? basename(first.name)
    : `${basename(source)}-${basename(format)}/`;
}

/** True where every byte was compared with a SHA-256. */
async function writePlace(
  { client, terminal, host, jobId }: DownloadRequest,
  place: OutputPlace,
  artifacts: ManifestArtifact[],
): Promise<boolean> {
  if (place.kind === "file" || place.kind === "folder") {
    if (place.kind === "folder") await makeFolder(place.path);
    for (const artifact of artifacts) {
      const path = artifactPathOf(place, artifact);
      await downloadFile({ client, terminal, jobId, artifact, path });
    }
    return true;
  }
  const stream = place.kind === "stdout" ? host.stdout : openDevice(place.path);
  const name = place.kind === "stdout" ? "standard output" : place.path;
  const [artifact] = artifacts;
  try {
    if (artifacts.length === 1 && artifact !== undefined) {
      await downloadStream({ client, terminal, jobId, artifact, stream, name });
      return true;
    }
    await streamArchive({ client, terminal, jobId, stream, name });
    terminal.warn("a ZIP of several files is not checked as a whole; `-o FOLDER` checks each");
    return false;
  } finally {
    if (place.kind === "device") stream.end();
  }
}

function resultOf(of: {
  jobId: string;
  manifest: Manifest;
  place: OutputPlace;
  manifestPath: string | null;
  isVerified: boolean;
}): DownloadResult {
  const { jobId, manifest, place, manifestPath, isVerified } = of;
  const { artifacts, tables } = manifest;
  const path = place.kind === "stdout" ? null : place.path;
  return {
    jobId,
    source: manifest.source,
    format: manifest.format,
    compression: manifest.compression,
    consistency: manifest.consistency,
    content: manifest.content,
    snapshotAt: manifest.snapshotAt,
    path,
    manifestPath,
    verified: isVerified,
    sha256: artifacts.length === 1 ? (artifacts[0]?.sha256 ?? null) : null,
    bytes: artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0),
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
    files: artifacts.map((artifact) => ({
      name: artifact.name,
      path:
        place.kind === "file" || place.kind === "folder" ? artifactPathOf(place, artifact) : path,
      bytes: artifact.bytes,
      sha256: artifact.sha256,
    })),
    tables: tables.map(({ name, rows, bytes }) => ({ name, rows, bytes })),
    warnings: manifest.warnings,
  };
}
