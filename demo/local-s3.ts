import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { AwsClient } from "aws4fetch";
import { startFauxqs } from "fauxqs";

const REGION = "us-east-1";
const BUCKET = "copies";
const ACCESS_KEY_ID = "demo";
const SECRET_ACCESS_KEY = "demo-secret";

/** An S3 service on this machine, with one bucket. It keeps everything in memory. */
export interface LocalS3 {
  endpoint: string;
  /** The vars and secrets of a Worker that copies to it, as the destination `offsite`. */
  vars: Record<string, string>;
  /** Downloads every object of a folder, and returns the names. */
  fetchFolder(folder: string, to: string): Promise<string[]>;
}

/** Runs `work` with an S3 service, and stops it afterwards. */
export async function withLocalS3<T>(work: (s3: LocalS3) => Promise<T>): Promise<T> {
  const server = await startFauxqs({ port: 0, logger: false, host: "127.0.0.1" });
  try {
    server.createBucket(BUCKET);
    const endpoint = `http://127.0.0.1:${server.port}`;
    const config = { endpoint, region: REGION, bucket: BUCKET, pathStyle: true };
    const destination = { type: "s3", ...config, credentials: "OFFSITE" };
    return await work({
      endpoint,
      vars: {
        EXPORT_DESTINATIONS: JSON.stringify({ offsite: destination }),
        OFFSITE_ACCESS_KEY_ID: ACCESS_KEY_ID,
        OFFSITE_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY,
      },
      fetchFolder: (folder, to) => fetchFolder(`${endpoint}/${BUCKET}`, { folder, to }),
    });
  } finally {
    await server.stop();
  }
}

async function fetchFolder(
  bucketUrl: string,
  { folder, to }: { folder: string; to: string },
): Promise<string[]> {
  const client = new AwsClient({
    accessKeyId: ACCESS_KEY_ID,
    secretAccessKey: SECRET_ACCESS_KEY,
    service: "s3",
    region: REGION,
  });
  const get = async (url: string): Promise<Buffer> => {
    const response = await client.fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
    return Buffer.from(await response.arrayBuffer());
  };
  const list = await get(`${bucketUrl}?list-type=2&prefix=${encodeURIComponent(folder)}`);
  const keys = [...list.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = ""]) => key);
  mkdirSync(to, { recursive: true });
  const names: string[] = [];
  for (const key of keys) {
    const name = key.slice(folder.length);
    const path = key.split("/").map(encodeURIComponent).join("/");
    writeFileSync(join(to, name), await get(`${bucketUrl}/${path}`));
    names.push(name);
  }
  return names;
}
