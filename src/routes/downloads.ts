import type { ErrorCode } from "../api/error-codes.ts";
import { ExportError } from "../api/errors.ts";
import { isActive } from "../api/job-state.ts";
import { ManifestSchema } from "../api/manifest.ts";
import { type ExportEnv, getExportJobs } from "../config/bindings.ts";
import type { ArtifactRecord } from "../rpc/artifact-record.ts";
import type { DownloadInfo } from "../rpc/http-jobs.ts";
import { unwrap } from "../rpc/outcome.ts";
import { toDownloadName } from "../rpc/readable-key.ts";
import type { ArtifactStore } from "../storage/artifact-store.ts";
import { openArtifactStore } from "../storage/open-artifact-store.ts";
import { type ArchiveHead, makeArchive } from "./files/archive.ts";
import { makeArtifactFile } from "./files/artifact-file.ts";
import { sendFile } from "./files/send-file.ts";
import { JOB_ID } from "./parameters.ts";
import { type Answer, type DescribedHeader, route } from "./route.ts";

/** The headers that a route reads which sends a file. */
export const FILE_HEADERS: readonly DescribedHeader[] = [
  { name: "Range", description: "One range of bytes. Several ranges return the whole file." },
  { name: "If-Range", description: "The range applies only to the file with this ETag." },
  { name: "If-None-Match", description: "304 if the file has this ETag." },
];

const FILE_ANSWER_HEADERS: readonly DescribedHeader[] = [
  { name: "ETag", description: "An artifact's SHA-256, in quotes. A ZIP has its own tag." },
  { name: "Content-Disposition", description: "The file's name (RFC 6266)." },
  { name: "Repr-Digest", description: "The whole file's SHA-256 (RFC 9530). A ZIP has none." },
];

/** Describes the answers of `sendFile`. */
export const FILE_ANSWERS: readonly Answer[] = [
  { status: 200, description: "The file", content: "bytes", headers: FILE_ANSWER_HEADERS },
  {
    status: 206,
    description: "The requested range",
    content: "bytes",
    headers: [
      ...FILE_ANSWER_HEADERS,
      { name: "Content-Range", description: "The range of bytes, and the size of the file." },
    ],
  },
  { status: 304, description: "The file has the ETag in If-None-Match" },
];

/** Describes the answer with the signature of a manifest. */
export const SIGNATURE_ANSWER: Answer = {
  status: 200,
  description: "The signature",
  content: "bytes",
};

export const SIGNATURE_ERRORS: readonly ErrorCode[] = [
  "job-not-found",
  "artifact-not-found",
  "artifact-missing",
  "export-not-finished",
  "export-not-downloadable",
  "export-expired",
  "storage-unavailable",
];

const FILE_ERRORS: readonly ErrorCode[] = [...SIGNATURE_ERRORS, "range-not-satisfiable"];

/** A job's files and its manifest. */
export const downloadRoutes = [
  route({
    method: "GET",
    path: "/export/dump/:jobId/download",
    operationId: "downloadExport",
    summary: "Download what a job exported",
    description:
      "The artifact if there is exactly one. Otherwise a ZIP of the manifest, its signature if it has one, and all " +
      "artifacts, stored without compression, with ZIP64 if needed. Its bytes are the same each time, and ranges work. A job that an " +
      "earlier version completed may have no ZIP and returns artifact-not-found.",
    access: "read",
    params: { jobId: JOB_ID },
    headers: FILE_HEADERS,
    answers: FILE_ANSWERS,
    errors: FILE_ERRORS,
    handler: async ({ context, params }) => {
      const reads = context.req.method === "GET";
      const info = await getDownload(context.env, params.jobId, { reads });
      const store = openArtifactStore(context.env);
      const [artifact, ...others] = info.artifacts;
      const file =
        artifact !== undefined && others.length === 0
          ? { ...makeArtifactFile(info, artifact, store), name: nameDump(info, artifact) }
          : makeArchive(info, store, await readHead(info, store));
      return sendFile(context, file);
    },
  }),

  route({
    method: "GET",
    path: "/export/dump/:jobId/download/:artifact",
    operationId: "downloadArtifact",
    summary: "Download one artifact of a job",
    access: "read",
    params: { jobId: JOB_ID },
    headers: FILE_HEADERS,
    answers: FILE_ANSWERS,
    errors: FILE_ERRORS,
    handler: async ({ context, params }) => {
      const reads = context.req.method === "GET";
      const info = await getDownload(context.env, params.jobId, { reads });
      const artifact = info.artifacts.find(({ name }) => name === params.artifact);
      if (artifact === undefined) {
        throw new ExportError(
          "artifact-not-found",
          `the job has no artifact ${JSON.stringify(params.artifact)}`,
        );
      }
      return sendFile(context, makeArtifactFile(info, artifact, openArtifactStore(context.env)));
    },
  }),

  route({
    method: "GET",
    path: "/export/dump/:jobId/manifest",
    operationId: "getManifest",
    summary: "Read a job's manifest: tables, rows, bytes, parts and SHA-256s",
    access: "read",
    params: { jobId: JOB_ID },
    answers: [{ status: 200, description: "The manifest", content: ManifestSchema }],
    errors: [
      "job-not-found",
      "artifact-missing",
      "export-not-finished",
      "export-not-downloadable",
      "export-expired",
      "storage-unavailable",
    ],
    handler: async ({ context, params }) => {
      const info = await getDownload(context.env, params.jobId);
      const body = await openManifest(info, openArtifactStore(context.env));
      return context.body(body, 200, { "content-type": "application/json" });
    },
  }),

  route({
    method: "GET",
    path: "/export/dump/:jobId/manifest.sig",
    operationId: "getManifestSignature",
    summary: "Read the signature of a job's manifest",
    description:
      "64 bytes: the raw Ed25519 signature over the bytes of the manifest. artifact-not-found if the Worker had no " +
      "EXPORT_SIGNING_KEY when it published the manifest.",
    access: "read",
    params: { jobId: JOB_ID },
    answers: [SIGNATURE_ANSWER],
    errors: SIGNATURE_ERRORS,
    handler: async ({ context, params }) => {
      const { signatureKey } = await getDownload(context.env, params.jobId);
      const body = await openSignature(signatureKey, openArtifactStore(context.env));
      return context.body(body, 200, { "content-type": "application/octet-stream" });
    },
  }),
];

/** Returns the files of a completed job. Errors: `job-not-found`, `export-not-finished`, `export-expired`, `export-not-downloadable`. */
export async function getDownload(
  env: ExportEnv,
  jobId: string,
  options = { reads: false },
): Promise<DownloadInfo> {
  const info = unwrap(await getExportJobs(env).download(jobId, options));
  if (info.state === "completed") return info;
  if (isActive(info.state)) {
    throw new ExportError("export-not-finished", `the job is ${info.state}`);
  }
  if (info.state === "expired") throw new ExportError("export-expired", "the job's files are gone");
  throw new ExportError("export-not-downloadable", `the job is ${info.state}`);
}

/** Returns, for instance, `main-20261128T031700Z.sql.gz`: a table's file keeps its name at the end. */
function nameDump({ named }: DownloadInfo, { name }: ArtifactRecord): string {
  const isDump = name.startsWith("dump.");
  return toDownloadName(named, isDump ? name.slice("dump".length) : `-${name}`);
}

/** Errors: `artifact-missing`. */
async function openManifest(
  { manifestKey }: DownloadInfo,
  store: ArtifactStore,
): Promise<ReadableStream<Uint8Array>> {
  const body = manifestKey === null ? undefined : await store.read(manifestKey);
  if (body !== undefined) return body;
  throw new ExportError("artifact-missing", "the manifest is not in the store");
}

/** Opens the signature of a manifest; its key is null if it has none. Errors: `artifact-not-found`, `artifact-missing`. */
export async function openSignature(
  signatureKey: string | null,
  store: ArtifactStore,
): Promise<ReadableStream<Uint8Array>> {
  if (signatureKey === null) {
    throw new ExportError("artifact-not-found", "the manifest is not signed");
  }
  const body = await store.read(signatureKey);
  if (body !== undefined) return body;
  throw new ExportError("artifact-missing", "the signature is not in the store");
}

/** Errors: `artifact-missing`. */
async function readHead(info: DownloadInfo, store: ArtifactStore): Promise<ArchiveHead> {
  const manifest = await readWhole(await openManifest(info, store));
  const { signatureKey } = info;
  if (signatureKey === null) return { manifest };
  return { manifest, signature: await readWhole(await openSignature(signatureKey, store)) };
}

async function readWhole(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(body).arrayBuffer());
}
