import type { S3Bucket } from "../../src/storage/s3/s3-client.ts";

/**
 * Returns the settings for copies to S3 buckets and to the bucket `ARCHIVE_BUCKET`. `pruned` deletes
 * copies with their jobs, and `missing` has no binding.
 */
export function destinationBindings(buckets: Record<string, S3Bucket>): Record<string, unknown> {
  const s3 = Object.entries(buckets).map(([name, { endpoint, region, bucket, pathStyle }]) => {
    const credentials = name.toUpperCase();
    return [name, { type: "s3", endpoint, region, bucket, pathStyle, credentials }];
  });
  const secrets = Object.entries(buckets).flatMap(([name, { accessKeyId, secretAccessKey }]) => [
    [`${name.toUpperCase()}_ACCESS_KEY_ID`, accessKeyId],
    [`${name.toUpperCase()}_SECRET_ACCESS_KEY`, secretAccessKey],
  ]);
  const r2 = { type: "r2", binding: "ARCHIVE_BUCKET" };
  return {
    EXPORT_DESTINATIONS: {
      ...Object.fromEntries(s3),
      archive: { ...r2, prefix: "kept/" },
      pruned: { ...r2, prefix: "pruned/", prune: true },
      missing: { type: "r2", binding: "MISSING_BUCKET" },
    },
    ...Object.fromEntries(secrets),
  };
}
