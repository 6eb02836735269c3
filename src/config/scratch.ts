import { ExportError } from "../api/errors.ts";
import type { ScratchObject } from "../rpc/scratch-object.ts";
import type { ExportEnv } from "./bindings.ts";

/**
 * Returns the scratch database of a job, without any call to it. Errors: `configuration-invalid` if the class is not
 * bound.
 */
export function getScratch(env: ExportEnv, jobId: string): DurableObjectStub<ScratchObject> {
  requireScratch(env);
  return (env.EXPORT_SCRATCH as DurableObjectNamespace<ScratchObject>).getByName(jobId);
}

/** Errors: `configuration-invalid` if no class of scratch databases is bound. */
export function requireScratch({ EXPORT_SCRATCH: namespace }: ExportEnv): void {
  if (namespace !== undefined && "getByName" in namespace) return;
  throw new ExportError(
    "configuration-invalid",
    namespace === undefined
      ? "binding EXPORT_SCRATCH is missing: a proof by restore needs the class ScratchDatabase"
      : "binding EXPORT_SCRATCH is no Durable Object namespace",
  );
}
