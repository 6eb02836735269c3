import { Buffer } from "node:buffer";

import { bucketPrototype, realBucket } from "./faulty-bucket.ts";

/** Records the keys and bytes that are written to every bucket before `restoreBucket`, of failed attempts too. */
export function recordWrites(): { key: string; bytes: Buffer }[] {
  const written: { key: string; bytes: Buffer }[] = [];
  const record = (key: string, value: unknown): void => {
    if (typeof value === "string") written.push({ key, bytes: Buffer.from(value) });
    else if (ArrayBuffer.isView(value)) {
      const { buffer, byteOffset, byteLength } = value;
      // The writer uses its buffers again.
      const bytes = Buffer.from(Buffer.from(buffer, byteOffset, byteLength));
      written.push({ key, bytes });
    } else throw new TypeError(`${key} is written from ${typeof value}`);
  };
  bucketPrototype.put = async function (this: R2Bucket, key: string, ...rest: unknown[]) {
    record(key, rest[0]);
    return (realBucket.put as (...args: unknown[]) => Promise<R2Object>).call(this, key, ...rest);
  } as R2Bucket["put"];
  bucketPrototype.resumeMultipartUpload = function (this: R2Bucket, key, uploadId) {
    const upload = realBucket.resumeMultipartUpload.call(this, key, uploadId);
    return {
      key,
      uploadId,
      uploadPart: async (number: number, value: never) => {
        record(key, value);
        return upload.uploadPart(number, value);
      },
      complete: upload.complete.bind(upload),
      abort: upload.abort.bind(upload),
    };
  };
  return written;
}
