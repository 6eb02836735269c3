import { PAGES_AHEAD_DEFAULT } from "../src/api/limits.ts";
import type { ExportEnv } from "../src/config/bindings.ts";

/** What each call of a database or a bucket takes longer, in milliseconds. One for all jobs. */
let delayMs = 0;
/** How many pages later jobs request at a time. */
let pagesAhead: number = PAGES_AHEAD_DEFAULT;

/** Sets the delay of later calls, and how many pages later jobs request at a time. */
export function setDistance(distance: { delayMs: number; pagesAhead: number }): void {
  ({ delayMs, pagesAhead } = distance);
}

/**
 * Returns `env` as if its databases and its bucket were far away: each call waits before it is
 * sent. The jobs object and the Workflow stay near, as they are if deployed.
 */
export function delayedEnv(env: ExportEnv): ExportEnv {
  const { DATABASE_DURABLE_OBJECT: database, EXPORT_R2_BUCKET: bucket } = env as ExportEnv & {
    DATABASE_DURABLE_OBJECT: DurableObjectNamespace;
  };
  const vars = { EXPORT_PAGES_AHEAD: pagesAhead };
  const far = { DATABASE_DURABLE_OBJECT: delayNamespace(database) };
  return { ...env, ...vars, ...far, EXPORT_R2_BUCKET: delayBucket(bucket as R2Bucket) };
}

type Call = (...given: unknown[]) => unknown;

/** Calls of the methods in `names` wait; other properties stay as they are. */
function delayCalls<T extends object>(target: T, names: readonly string[]): T {
  return intercept(target, (name, call) =>
    names.includes(name)
      ? async (...given) => {
          if (delayMs > 0) await scheduler.wait(delayMs);
          return call(...given);
        }
      : call,
  );
}

/** Replaces each method of `target` that is asked for. */
function intercept<T extends object>(target: T, replace: (name: string, call: Call) => Call): T {
  return new Proxy(target, {
    get: (object, name) => {
      const value: unknown = Reflect.get(object, name, object);
      if (typeof value !== "function" || typeof name !== "string") return value;
      // Bound by a call: a property of a stub would be another remote method.
      return replace(name, (...given) => Reflect.apply(value as Call, object, given));
    },
  });
}

function delayNamespace<T extends object>(namespace: T): T {
  return intercept(namespace, (name, call) =>
    name === "get" || name === "getByName"
      ? (...given) => delayCalls(call(...given) as object, ["executeQuery", "executeTransaction"])
      : call,
  );
}

function delayBucket(bucket: R2Bucket): R2Bucket {
  const calls = ["put", "get", "head", "delete", "list", "createMultipartUpload"];
  const far = delayCalls(bucket, calls);
  return intercept(far, (name, call) =>
    name === "resumeMultipartUpload"
      ? (...given) => delayCalls(call(...given) as object, ["uploadPart", "complete", "abort"])
      : call,
  );
}
