import { bucket, bucketPrototype, realBucket } from "./faulty-bucket.ts";

/**
 * Records every multipart upload that begins before `restoreBucket`, since a bucket does not list
 * them.
 */
export function recordUploads(): {
  /** How many of them are neither completed nor aborted; the call aborts them. */
  countOpen: () => Promise<number>;
} {
  const begun: { key: string; uploadId: string }[] = [];
  bucketPrototype.createMultipartUpload = async function (this: R2Bucket, ...args) {
    const upload = await realBucket.createMultipartUpload.apply(this, args);
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
  };
}
