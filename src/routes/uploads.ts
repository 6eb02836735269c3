import type { ErrorCode } from "../api/error-codes.ts";
import { BODY_BYTES_MAX, PART_BYTES_MAX } from "../api/limits.ts";
import { Sha256Schema } from "../api/restore-request.ts";
import {
  UploadCompletionSchema,
  UploadedPartSchema,
  UploadRequestSchema,
  type UploadView,
  UploadViewSchema,
} from "../api/upload.ts";
import { getExportJobs } from "../config/bindings.ts";
import { completeUpload, startUpload, storePart } from "../intake/upload-script.ts";
import { unwrap } from "../rpc/outcome.ts";
import { resolveAnswerOrigin } from "./links.ts";
import { bytesBody, validate } from "./middleware/parse-input.ts";
import { FILE_ID, PART_NUMBER } from "./parameters.ts";
import { route } from "./route.ts";

const BODY_ERRORS: readonly ErrorCode[] = ["invalid-json", "invalid-request", "body-too-large"];

/** Uploads of scripts that restores read. */
export const uploadRoutes = [
  route({
    method: "POST",
    path: "/import/files",
    operationId: "startUpload",
    summary: "Start the upload of a script",
    description:
      "The file is deleted a day after its last use: a part, its completion, or the end of a restore.",
    access: "full",
    body: { schema: UploadRequestSchema, bytesMax: BODY_BYTES_MAX, isRequired: true },
    answers: [
      {
        status: 201,
        description: "The upload, which has no parts yet",
        content: UploadViewSchema,
        headers: [{ name: "Location", description: "The upload's view." }],
      },
    ],
    errors: [...BODY_ERRORS, "inline-storage-full", "storage-unavailable"],
    handler: async (call) => {
      const { context, settings, body } = call;
      const started = await startUpload(context.env, settings, body);
      const view = linkUpload(started, resolveAnswerOrigin(call));
      return context.json(view, 201, { location: view.links.self });
    },
  }),

  route({
    method: "GET",
    path: "/import/files/:fileId",
    operationId: "getUpload",
    summary: "Get an upload: which parts are stored",
    access: "full",
    params: { fileId: FILE_ID },
    answers: [{ status: 200, description: "The upload", content: UploadViewSchema }],
    errors: ["file-not-found"],
    handler: async (call) => {
      const { context, params } = call;
      const view = unwrap(await getExportJobs(context.env).fileView(params.fileId));
      return context.json(linkUpload(view, resolveAnswerOrigin(call)));
    },
  }),

  route({
    method: "PUT",
    path: "/import/files/:fileId/parts/:number",
    operationId: "uploadPart",
    summary: "Upload one part",
    description:
      "In any order. Every part but the last is `partBytes` long. A repeat replaces the part. " +
      "EXPORT_RATE_LIMITER does not count this call.",
    access: "full",
    // The call that started the upload was counted. Thousands of parts may follow it.
    isCounted: false,
    params: { fileId: FILE_ID, number: PART_NUMBER },
    headers: [
      {
        name: "Content-SHA256",
        description: "The part's SHA-256 in hex digits. A part with another hash is refused.",
      },
    ],
    body: bytesBody(PART_BYTES_MAX),
    answers: [{ status: 200, description: "The part is stored", content: UploadedPartSchema }],
    errors: [
      "invalid-request",
      "body-too-large",
      "file-not-found",
      "part-invalid",
      "inline-storage-full",
      "storage-unavailable",
    ],
    handler: async ({ context, params, body }) => {
      const sent = context.req.header("content-sha256");
      const announcedSha256 =
        sent === undefined ? null : validate(Sha256Schema, sent, "Content-SHA256");
      const part = { number: Number(params.number), bytes: body, announcedSha256 };
      return context.json(await storePart(context.env, params.fileId, part));
    },
  }),

  route({
    method: "POST",
    path: "/import/files/:fileId/complete",
    operationId: "completeUpload",
    summary: "Complete an upload: the file can then be restored",
    description:
      "Reads the file back for its SHA-256. Idempotent. If the file has another hash than announced, it is deleted.",
    access: "full",
    params: { fileId: FILE_ID },
    body: { schema: UploadCompletionSchema, bytesMax: BODY_BYTES_MAX, isRequired: true },
    answers: [{ status: 200, description: "The completed file", content: UploadViewSchema }],
    errors: [
      ...BODY_ERRORS,
      "file-not-found",
      "file-not-complete",
      "part-invalid",
      "file-differs",
      "storage-unavailable",
    ],
    handler: async (call) => {
      const { context, params, body } = call;
      const view = await completeUpload(context.env, params.fileId, body);
      return context.json(linkUpload(view, resolveAnswerOrigin(call)));
    },
  }),

  route({
    method: "DELETE",
    path: "/import/files/:fileId",
    operationId: "deleteUpload",
    summary: "Delete an upload, complete or not",
    description: "Idempotent: an unknown file counts as deleted.",
    access: "full",
    params: { fileId: FILE_ID },
    answers: [{ status: 204, description: "The file is deleted" }],
    errors: ["file-not-found", "file-in-use", "storage-unavailable"],
    handler: async ({ context, params }) => {
      unwrap(await getExportJobs(context.env).removeFile(params.fileId));
      return context.body(null, 204);
    },
  }),
];

/** Returns the view with its links as URLs. */
function linkUpload(view: UploadView, origin: string): UploadView {
  const { self, part, complete } = view.links;
  return {
    ...view,
    links: {
      self: `${origin}${self}`,
      part: `${origin}${part}`,
      complete: `${origin}${complete}`,
    },
  };
}
