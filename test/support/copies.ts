import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";

import type { CopyView } from "../../src/api/copies.ts";
import { readSettings } from "../../src/config/settings.ts";
import { openBucket } from "../../src/storage/destinations/open-destination.ts";
import { bucketPrototype, realBucket } from "./faulty-bucket.ts";

const { ARCHIVE_BUCKET: archive } = env as unknown as { ARCHIVE_BUCKET: R2Bucket };

/** Jobs of a Worker on this machine: only that may reach an S3 service on this machine. */
export const LOCAL_ORIGIN = "http://localhost:8787";

/** Returns a view's copy at a destination. */
export function copyAt(view: { copies: CopyView[] }, destination: string): CopyView {
  const copy = view.copies.find((each) => each.destination === destination);
  if (copy === undefined) throw new Error(`there is no copy at ${destination}`);
  return copy;
}

/** Returns an object at a destination; undefined if there is none. */
export async function readCopied(
  destination: string,
  key: string,
): Promise<Uint8Array | undefined> {
  const store = openBucket(env, readSettings(env), destination, { localDevelopment: true });
  const body = await store.read(key);
  return body && new Uint8Array(await new Response(body).arrayBuffer());
}

/** Returns the keys in the bucket of the destinations `archive` and `pruned`. */
export async function listArchive(prefix: string): Promise<string[]> {
  const { objects } = await archive.list({ prefix });
  return objects.map(({ key }) => key);
}

/** Runs the watchdog when everything that waits is due. */
export async function runWatchdogOfCopies(): Promise<void> {
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  await runInDurableObject(jobs, async (_, { storage }) => {
    storage.sql.exec("UPDATE tmp_export_job_copy_discards SET due_at_ms = 0");
    storage.sql.exec(
      "UPDATE tmp_export_jobs SET copying_due_at_ms = 0 WHERE copying_due_at_ms IS NOT NULL",
    );
    await storage.setAlarm(Date.now() + 3_600_000);
  });
  await runDurableObjectAlarm(jobs);
}

/** Makes writes of copies to R2 fail while `isFaulty` returns true, until `restoreBucket`. */
export function breakArchive(isFaulty: (key: string) => boolean): void {
  const refuse = (key: string): void => {
    if (!key.startsWith("exports/") && isFaulty(key)) throw new Error("injected (10001)");
  };
  bucketPrototype.put = async function (this: R2Bucket, key: string, ...rest: unknown[]) {
    refuse(key);
    return (realBucket.put as (...args: unknown[]) => Promise<R2Object>).call(this, key, ...rest);
  } as R2Bucket["put"];
  bucketPrototype.createMultipartUpload = async function (this: R2Bucket, key, options) {
    refuse(key);
    return realBucket.createMultipartUpload.call(this, key, options);
  };
}
