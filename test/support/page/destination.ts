import { startFauxS3 } from "../s3-servers.ts";

/** A destination of copies, and the vars of a Worker that knows it as `offsite`. */
export interface Destination {
  vars: Record<string, string>;
  stop: () => Promise<void>;
}

/** Starts a local S3 service as a destination. */
export async function startDestination(): Promise<Destination> {
  const { bucket, stop } = await startFauxS3();
  const { accessKeyId, secretAccessKey, ...config } = bucket;
  const destination = { type: "s3", ...config, credentials: "OFFSITE" };
  return {
    vars: {
      EXPORT_DESTINATIONS: JSON.stringify({ offsite: destination }),
      OFFSITE_ACCESS_KEY_ID: accessKeyId,
      OFFSITE_SECRET_ACCESS_KEY: secretAccessKey,
    },
    stop: async () => {
      await stop();
    },
  };
}
