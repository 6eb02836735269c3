import { env } from "cloudflare:workers";

export const bucket = env.EXPORT_R2_BUCKET;

/** Every binding of the bucket in this process is of it, the Worker's and the Workflow's too. */
export const bucketPrototype = Object.getPrototypeOf(bucket) as R2Bucket;

const methods = Object.getOwnPropertyDescriptors(bucketPrototype);

/** The bucket's methods as they are. */
export const realBucket = Object.create(null, methods) as R2Bucket;

export function restoreBucket(): void {
  Object.defineProperties(bucketPrototype, methods);
}

/** The next object that somebody looks for is gone, once. */
export function loseObjectOnce(): void {
  let isLost = false;
  bucketPrototype.head = async function (this: R2Bucket, key) {
    if (!isLost) await bucket.delete(key);
    isLost = true;
    return realBucket.head.call(this, key);
  };
}
