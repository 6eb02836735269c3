import { type Context, Hono } from "hono";

import { getExportJobs } from "../env.ts";
import type { ArtifactRecord } from "../model/checkpoint.ts";
import { ExportError, unwrap } from "../model/error.ts";
import { isActive } from "../model/job-state.ts";
import type { ArtifactStore } from "../storage/artifact-store.ts";
import type { DownloadInfo } from "../storage/export-jobs.ts";
import { openArtifactStore } from "../storage/open-artifact-store.ts";
import type { AppEnv } from "./app-env.ts";
import { archiveOf } from "./archive.ts";
import { jobIdOf } from "./jobs.ts";
import { type SentFile, sendFile } from "./send-file.ts";

/** A job's files and its manifest. Hono answers HEAD from the GET handlers, whose body is then dropped. */
export const downloadRoutes = new Hono<AppEnv>()
  .get("/export/dump/:jobId/download", async (context) => {
    const info = await downloadInfo(context, context.req.param("jobId"));
    const store = openArtifactStore(context.env);
    const [artifact, ...others] = info.artifacts;
    const file =
      artifact !== undefined && others.length === 0
        ? artifactFile(info, artifact, store)
        : archiveOf(info, store, await readManifest(info, store));
    return sendFile(context, file);
  })
  .get("/export/dump/:jobId/download/:artifact", async (context) => {
    const info = await downloadInfo(context, context.req.param("jobId"));
    const name = context.req.param("artifact");
    const artifact = info.artifacts.find((each) => each.name === name);
    if (artifact === undefined) {
      throw new ExportError(
        "artifact-not-found",
        `the job has no artifact ${JSON.stringify(name)}`,
      );
    }
    return sendFile(context, artifactFile(info, artifact, openArtifactStore(context.env)));
  })
  .get("/export/dump/:jobId/manifest", async (context) => {
    const info = await downloadInfo(context, context.req.param("jobId"));
    const body = await openManifest(info, openArtifactStore(context.env));
    return context.body(body, 200, { "content-type": "application/json" });
  });

/** Errors: `job-not-found`, `export-not-finished`, `export-expired`, `export-not-downloadable`. */
async function downloadInfo(context: Context<AppEnv>, jobId: string): Promise<DownloadInfo> {
  const info = unwrap(await getExportJobs(context.env).download(jobIdOf(jobId)));
  if (info.state === "completed") return info;
  if (isActive(info.state)) {
    throw new ExportError("export-not-finished", `the job is ${info.state}`);
  }
  if (info.state === "expired") throw new ExportError("export-expired", "the job's files are gone");
  throw new ExportError("export-not-downloadable", `the job is ${info.state}`);
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

async function readManifest(info: DownloadInfo, store: ArtifactStore): Promise<Uint8Array> {
  return new Uint8Array(await new Response(await openManifest(info, store)).arrayBuffer());
}

/** An artifact as it lies in the store. */
function artifactFile(
  { completedAtMs }: DownloadInfo,
  { name, contentType, bytes, objectKey, sha256 }: ArtifactRecord,
  store: ArtifactStore,
): SentFile {
  const missing = (): ExportError =>
    new ExportError("artifact-missing", `${name} is not in the store any more`);
  return {
    name,
    contentType,
    bytes,
    tag: sha256 ?? "",
    sha256: sha256 ?? "",
    modifiedAtMs: completedAtMs ?? 0,
    check: async () => {
      if ((await store.find(objectKey)) === undefined) throw missing();
    },
    open: async (range) => {
      const body = await store.read(objectKey, range);
      if (body === undefined) throw missing();
      return body.pipeThrough(new FixedLengthStream(range?.length ?? bytes));
    },
  };
}
