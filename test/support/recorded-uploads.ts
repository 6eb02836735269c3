import { env } from "cloudflare:workers";

const bucket = env.EXPORT_R2_BUCKET;
/** Every binding of the bucket in this process is of it, the Worker's and the Workflow's too. */
const prototype = Object.getPrototypeOf(bucket) as R2Bucket;

/** Keeps in mind every multipart upload that is begun, since a bucket does not list them. */
export function recordUploads(): {
  /** How many of them are neither completed nor aborted; they are aborted by that. */
  countOpen: () => Promise<number>;
  restore: () => void;
} {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, "createMultipartUpload");
  if (descriptor === undefined) throw new Error("a bucket has no createMultipartUpload");
  const create = descriptor.value as R2Bucket["createMultipartUpload"];
  const begun: { key: string; uploadId: string }[] = [];
  prototype.createMultipartUpload = async function (this: R2Bucket, ...args) {
    const upload = await create.apply(this, args);
    begun.push({ key: upload.key, uploadId: upload.uploadId });
    return upload;
  };
  return {
    countOpen: async () => {
      let open = 0;
      for (const { key, uploadId } of begun.splice(0)) {
        const upload = bucket.resumeMultipartUpload(key, uploadId);
        const isGone = await upload.uploadPart(10_000, "x").then(
          () => false,
          () => true,
        );
        if (isGone) continue;
        open += 1;
        await upload.abort();
      }
      return open;
    },
    restore: () => Object.defineProperty(prototype, "createMultipartUpload", descriptor),
  };
}
