import * as v from "valibot";

import { Sha256Schema } from "./restore-request.ts";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Time = v.pipe(v.string(), v.isoTimestamp());

/** Body of `POST /import/files`: a script to be uploaded. */
export const UploadRequestSchema = v.strictObject({
  name: v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(200),
    v.description("The file's name; it is shown, and never used as a path."),
  ),
  bytes: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1, "expected at least 1: an empty file cannot be restored"),
      v.description("The file's size. It is checked on completion."),
    ),
  ),
  sha256: v.optional(
    v.pipe(Sha256Schema, v.description("The file's hash. It is checked on completion.")),
  ),
});

/** Body of `POST /import/files/:fileId/complete`. */
export const UploadCompletionSchema = v.strictObject({
  parts: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(1),
    v.maxValue(10_000),
    v.description("How many parts the file has."),
  ),
  sha256: v.optional(Sha256Schema),
});

/** The answer of the calls that start, complete or read an upload. */
export const UploadViewSchema = v.strictObject({
  fileId: v.string(),
  name: v.string(),
  status: v.picklist(["uploading", "completed"]),
  /** The length of every part except the last. */
  partBytes: Count,
  /** Parts that are stored. */
  parts: Count,
  /** Runs of consecutive stored parts, in order: a client that resumes sends the others. */
  storedParts: v.array(v.strictObject({ first: Count, last: Count })),
  /** How many bytes are stored; the size of a completed file. */
  bytes: Count,
  /** Null until the file is completed. */
  sha256: v.nullable(v.string()),
  createdAt: Time,
  /** When the file is deleted unless a restore uses it. */
  expiresAt: Time,
  links: v.strictObject({ self: v.string(), part: v.string(), complete: v.string() }),
});

/** The answer of `PUT /import/files/:fileId/parts/:number`. */
export const UploadedPartSchema = v.strictObject({
  number: Count,
  bytes: Count,
  sha256: v.string(),
});

export type UploadRequest = v.InferOutput<typeof UploadRequestSchema>;
export type UploadCompletion = v.InferOutput<typeof UploadCompletionSchema>;
export type UploadView = v.InferOutput<typeof UploadViewSchema>;
export type UploadedPart = v.InferOutput<typeof UploadedPartSchema>;
