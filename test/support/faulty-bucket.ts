import { env } from "cloudflare:workers";

export const bucket = env.EXPORT_R2_BUCKET;

/**
 * Every binding of the bucket in this process has this prototype, including the Worker's and the
 * Workflow's.
 */
export const bucketPrototype = Object.getPrototypeOf(bucket) as R2Bucket;

const methods = Object.getOwnPropertyDescriptors(bucketPrototype);

/** The bucket's unmodified methods. */
export const realBucket = Object.create(null, methods) as R2Bucket;

export function restoreBucket(): void {
  Object.defineProperties(bucketPrototype, methods);
}

/** The next object that is looked up is gone, once. */
export function loseObjectOnce(): void {
  let isLost = false;
  bucketPrototype.head = async function (this: R2Bucket, key) {
    if (!isLost) await bucket.delete(key);
    isLost = true;
    return realBucket.head.call(this, key);
  };
}
