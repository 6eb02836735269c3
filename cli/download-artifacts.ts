import { basename, dirname } from "node:path";

import type { Manifest, ManifestArtifact, ManifestText, Proof as ProofOfDump } from "./answers.ts";
import type { ApiClient } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { describeConsistency, findConsistency } from "./consistency.ts";
import { downloadFile } from "./download-file.ts";
import { downloadStream } from "./download-stream.ts";
import { EXIT } from "./exit-codes.ts";
import { formatBytes, formatNumberOf } from "./format.ts";
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
import { describeMasked } from "./parse-masks.ts";
import { artifactProof, type Proof } from "./proof.ts";
import {
  dumpPathOf,
  makeSqliteFile,
  requireSqliteOutput,
  type SqliteExtras,
} from "./sqlite-output.ts";
import { describeProved } from "./restored-itself.ts";
import { storedArtifact } from "./stored-artifact.ts";
import type { Terminal } from "./terminal.ts";
import { type RemoteFile, remoteFileOf } from "./transfer.ts";
import { ZipProof } from "./zip-proof.ts";

/** The result of a download; `dump --json` and `download --json` print it. */
export interface DownloadResult {
  jobId: string;
  source: string;
  format: string;
  compression: string;
  /** As in the manifest: the method, or `live`. */
  consistency: string;
  requestedConsistency: string;
  snapshotMethod: string | null;
  content: string;
  snapshotAt: string;
  /** The file or folder; null for standard output. */
  path: string | null;
  manifestPath: string | null;
  /** True if the dump became an SQLite file. */
  sqlite: boolean;
  /** True if the bytes were compared with the manifest's SHA-256s. */
  verified: true;
  /** The SHA-256 of the one file, or of the ZIP; null if a folder has several files, and for an SQLite file. */
  sha256: string | null;
  /** The size of the one file or the ZIP, or of all files in a folder. */
  bytes: number;
  rows: number;
  /** Their path is null if they are not kept: on standard output, or if an SQLite file was made. */
  files: { name: string; path: string | null; bytes: number; sha256: string }[];
  tables: { name: string; rows: number; bytes: number }[];
  /** The columns whose values are masked. */
  masked: { table: string; column: string; kind: string }[];
  warnings: string[];
  /** How the Worker proved the dump by a restore; null if it did not. */
  proof: ProofOfDump | null;
}

export interface DownloadRequest {
  client: ApiClient;
  terminal: Terminal;
  host: Pick<Host, "stdout" | "interrupt">;
  jobId: string;
  /** The value of `-o`; undefined: the artifact's own name in the working directory. */
  output: string | undefined;
  /** The name of one artifact of several. */
  only?: string | undefined;
  /** For an SQLite file. Default: none. */
  extras?: SqliteExtras | undefined;
}

/** Downloads and verifies a completed job's artifacts, and saves the manifest next to them. */
export async function downloadArtifacts(request: DownloadRequest): Promise<DownloadResult> {
  const { client, jobId } = request;
  const kept = await getSignedManifest(client, jobId);
  const manifest = { ...kept.manifest, artifacts: choose(kept.manifest, request.only) };
  const place = await resolveOutput(request.output ?? defaultOutput(manifest), manifest);
  const written = await writePlace(request, place, { ...kept, manifest });
  const manifestPath =
    place.kind === "file" || place.kind === "folder" ? manifestPathOf(place) : null;
  if (manifestPath !== null) {
    await writeWhole(manifestPath, kept.text);
    if (kept.signature !== undefined) await writeWhole(`${manifestPath}.sig`, kept.signature);
  }
  request.terminal.note(`consistency: ${describeConsistency(findConsistency(manifest))}`);
  const { masked } = manifest;
  if (masked.length > 0) request.terminal.note(`masked: ${describeMasked(masked)}`);
  const proved = describeProved(manifest.proof, masked.length > 0);
  if (proved !== undefined) request.terminal.note(proved);
  return resultOf({ jobId, manifest, place, manifestPath, written });
}

/** Returns a job's manifest, and its signature if it has one. */
async function getSignedManifest(client: ApiClient, jobId: string): Promise<ManifestText> {
  const kept = await client.getManifest(jobId);
  if (kept.manifest.signed !== true) return kept;
  return { ...kept, signature: await client.getSignature(jobId) };
}

/** Returns one line about the downloaded files. */
export function describeDownload(result: DownloadResult): string {
  const { path, bytes, rows, files, sha256, sqlite } = result;
  const what = path ?? "standard output";
  const parts = [
    formatBytes(bytes),
    formatNumberOf(rows, "row"),
    ...(files.length === 1 ? [] : [formatNumberOf(files.length, "file")]),
    "verified",
    ...(sha256 === null ? [] : [`sha256 ${sha256}`]),
    ...(sqlite ? ["SQLite's integrity check passed"] : []),
  ];
  return `${what}: ${parts.join(", ")}`;
}

function choose(manifest: Manifest, only: string | undefined): ManifestArtifact[] {
  const artifacts = manifest.artifacts.map(storedArtifact);
  if (only === undefined) return artifacts;
  const found = artifacts.filter(
    ({ name }, at) => name === only || manifest.artifacts[at]?.name === only,
  );
  if (found.length > 0) return found;
  const names = artifacts.slice(0, 10).map((artifact) => artifact.name);
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

/** Writes the artifacts to their destination. The SHA-256 is null if that is a folder. */
async function writePlace(
  request: DownloadRequest,
  place: OutputPlace,
  kept: ManifestText,
): Promise<{ bytes: number; sha256: string | null }> {
  const { client, terminal, host, jobId } = request;
  const { artifacts } = kept.manifest;
  if (place.kind === "folder") {
    await makeFolder(place.path);
    if (artifacts.length > 1 && endingsOf(place.path).format !== "") {
      const files = formatNumberOf(artifacts.length, "file");
      terminal.warn(
        `${place.path} is a folder, because the export has ${files}; a name that ends with .zip makes one file of them`,
      );
    }
    for (const artifact of artifacts) {
      const path = artifactPathOf(place, artifact);
      await downloadFile({ client, terminal, jobId, ...wholeOf(artifact), path });
    }
    return { bytes: artifacts.reduce((sum, { bytes }) => sum + bytes, 0), sha256: null };
  }
  if (place.kind === "sqlite") {
    const bytes = await writeSqlite(request, place.path, kept);
    return { bytes, sha256: null };
  }
  const { file, newProof } = await oneOf(request, kept);
  const { bytes } = file;
  if (place.kind === "file") {
    const { path } = place;
    await makeFolder(dirname(path));
    const promise = findBrokenPromise(path, file);
    if (promise !== undefined) {
      terminal.warn(`${path} contains ${file.name}, although its name ends with ${promise}`);
    }
    const sha256 = await downloadFile({ client, terminal, jobId, file, newProof, path });
    return { bytes, sha256 };
  }
  const stream = place.kind === "stdout" ? host.stdout : openDevice(place.path);
  const name = place.kind === "stdout" ? "standard output" : place.path;
  try {
    const proof = newProof();
    const sha256 = await downloadStream({ client, terminal, jobId, file, proof, stream, name });
    return { bytes, sha256 };
  } finally {
    if (place.kind === "device") stream.end();
  }
}

/** Downloads the dump next to the SQLite file, so that another attempt resumes, and makes the file from it. */
async function writeSqlite(
  request: DownloadRequest,
  output: string,
  kept: ManifestText,
): Promise<number> {
  const { client, terminal, host, jobId } = request;
  const { format, content, compression, artifacts } = kept.manifest;
  const encrypt = artifacts.some(({ sealed }) => sealed !== undefined) ? "all" : undefined;
  const { extras } = request;
  await requireSqliteOutput(output, { format, content, compression, encrypt }, extras);
  const path = dumpPathOf(output);
  await makeFolder(dirname(path));
  await downloadFile({ client, terminal, jobId, ...(await oneOf(request, kept)), path });
  return makeSqliteFile(output, kept.manifest, { terminal, signal: host.interrupt, extras });
}

const COMPRESSION_ENDINGS = [".gz", ".zst", ".zip"];
const FORMAT_ENDINGS = [
  ".sql",
  ".csv",
  ".json",
  ".ndjson",
  ".jsonl",
  ".parquet",
  ".sqlite",
  ".sqlite3",
  ".db",
];

/**
 * Returns the ending of a path if it suggests another kind of file than the path will contain. Only names are
 * compared.
 */
function findBrokenPromise(path: string, { artifact }: RemoteFile): string | undefined {
  if (artifact === undefined) return undefined;
  const promised = endingsOf(path);
  const actual = endingsOf(artifact);
  const isKept =
    promised.format === ""
      ? promised.compression === "" || promised.compression === actual.compression
      : promised.format === actual.format && promised.compression === actual.compression;
  return isKept ? undefined : `${promised.format}${promised.compression}`;
}

/** "a.sql.gz" has the endings ".sql" and ".gz"; "" stands for a missing or unknown ending. */
function endingsOf(path: string): { format: string; compression: string } {
  const name = path.toLowerCase();
  const compression = COMPRESSION_ENDINGS.find((each) => name.endsWith(each)) ?? "";
  const stem = name.slice(0, name.length - compression.length);
  const format = FORMAT_ENDINGS.find((each) => stem.endsWith(each)) ?? "";
  return { format: format === ".jsonl" ? ".ndjson" : format, compression };
}

interface Whole {
  file: RemoteFile;
  newProof: () => Proof;
}

/** The only artifact, or the ZIP of all of them. */
async function oneOf({ client, jobId }: DownloadRequest, kept: ManifestText): Promise<Whole> {
  const [artifact, ...others] = kept.manifest.artifacts;
  if (artifact !== undefined && others.length === 0) return wholeOf(artifact);
  const file = { ...(await client.getArchive(jobId)), artifact: undefined, name: "the ZIP" };
  return { file, newProof: () => new ZipProof(kept) };
}

function wholeOf(artifact: ManifestArtifact): Whole {
  return { file: remoteFileOf(artifact), newProof: () => artifactProof(artifact) };
}

function resultOf(of: {
  jobId: string;
  manifest: Manifest;
  place: OutputPlace;
  manifestPath: string | null;
  written: { bytes: number; sha256: string | null };
}): DownloadResult {
  const { jobId, manifest, place, manifestPath, written } = of;
  const { artifacts, tables } = manifest;
  const path = place.kind === "stdout" ? null : place.path;
  return {
    jobId,
    source: manifest.source,
    format: manifest.format,
    compression: manifest.compression,
    consistency: manifest.consistency,
    ...findConsistency(manifest),
    content: manifest.content,
    snapshotAt: manifest.snapshotAt,
    path,
    manifestPath,
    sqlite: place.kind === "sqlite",
    verified: true,
    // In a folder with one file, the SHA-256 of that file.
    sha256:
      place.kind === "folder" && artifacts.length === 1
        ? (artifacts[0]?.sha256 ?? null)
        : written.sha256,
    bytes: written.bytes,
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
    files: artifacts.map((artifact) => ({
      name: artifact.name,
      path: findArtifactPath(place, artifact),
      bytes: artifact.bytes,
      sha256: artifact.sha256,
    })),
    tables: tables.map(({ name, rows, bytes }) => ({ name, rows, bytes })),
    masked: manifest.masked.map(({ table, column, kind }) => ({ table, column, kind })),
    warnings: manifest.warnings,
    proof: manifest.proof,
  };
}

function findArtifactPath(place: OutputPlace, artifact: ManifestArtifact): string | null {
  if (place.kind === "file" || place.kind === "folder") return artifactPathOf(place, artifact);
  return place.kind === "device" ? place.path : null;
}
