import { ExportError } from "../../api/errors.ts";
import { PARTS_MAX } from "../../api/limits.ts";
import type { StoredObject } from "../../rpc/stored-object.ts";
import { type ArtifactStore, requireWholeList } from "../artifact-store.ts";

/** `delete` takes at most 1,000 keys: https://developers.cloudflare.com/r2/api/workers/workers-api-reference/. */
const DELETE_KEYS_MAX = 1_000;

/** R2's code for an upload that never existed, is completed, or was aborted. */
const NO_SUCH_UPLOAD = "10024";
/** R2's codes for parts that are too small, unequal, or different from those that it has. */
const REFUSED_PARTS = ["10011", "10025", "10048"];

/** Returns a store that keeps artifacts in an R2 bucket. */
export function r2ArtifactStore(bucket: R2Bucket): ArtifactStore {
  const find = async (key: string): Promise<StoredObject | undefined> => {
    const object = await guard(() => bucket.head(key));
    return object === null ? undefined : { bytes: object.size, etag: object.etag };
  };
  return {
    // https://developers.cloudflare.com/r2/pricing/#class-a-operations
    billedOperations: { write: 1 },
    usesJobsDatabase: false,
    put: async (key, bytes, metadata) => {
      const object = await guard(() => bucket.put(key, bytes, { httpMetadata: metadata }));
      return { bytes: object.size, etag: object.etag };
    },
    createUpload: async (key, metadata) => {
      const upload = await guard(() =>
        bucket.createMultipartUpload(key, { httpMetadata: metadata }),
      );
      return upload.uploadId;
    },
    putPart: async ({ key, uploadId }, number, bytes) => {
      if (number > PARTS_MAX) {
        throw new ExportError("artifact-too-large", `an artifact has at most ${PARTS_MAX} parts`);
      }
      const upload = bucket.resumeMultipartUpload(key, uploadId);
      const part = await guard(() => upload.uploadPart(number, bytes));
      return { number, bytes: bytes.byteLength, etag: part.etag };
    },
    completeUpload: async ({ key, uploadId }, parts) => {
      requireWholeList(parts);
      const upload = bucket.resumeMultipartUpload(key, uploadId);
      const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
      const sent = parts.map((part) => ({ partNumber: part.number, etag: part.etag }));
      try {
        const object = await upload.complete(sent);
        return { bytes: object.size, etag: object.etag };
      } catch (cause) {
        // An earlier attempt may have succeeded although its answer was lost.
        const object = isAbout(cause, [NO_SUCH_UPLOAD]) ? await find(key) : undefined;
        if (object?.bytes === bytes) return object;
        throw storeError(cause);
      }
    },
    abortUpload: async ({ key, uploadId }) => {
      try {
        await bucket.resumeMultipartUpload(key, uploadId).abort();
      } catch (cause) {
        if (!isAbout(cause, [NO_SUCH_UPLOAD])) throw storeError(cause);
      }
    },
    find,
    read: async (key, range) => {
      const options = range === undefined ? {} : { range };
      const object = await guard(() => bucket.get(key, options));
      return object === null ? undefined : object.body;
    },
    delete: async (keys) => {
      for (let at = 0; at < keys.length; at += DELETE_KEYS_MAX) {
        await guard(() => bucket.delete(keys.slice(at, at + DELETE_KEYS_MAX)));
      }
    },
  };
}

async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw storeError(cause);
  }
}

function storeError(cause: unknown): ExportError {
  if (cause instanceof ExportError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = isAbout(cause, [NO_SUCH_UPLOAD, ...REFUSED_PARTS])
    ? "artifact-corrupt"
    : "storage-unavailable";
  return new ExportError(code, message, { cause });
}

/** R2 puts its error code in parentheses at the end of the message. */
function isAbout(cause: unknown, codes: string[]): boolean {
  const message = cause instanceof Error ? cause.message : "";
  return codes.some((code) => message.includes(`(${code})`));
}
