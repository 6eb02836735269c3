import { ExportError } from "../api/errors.ts";
import type { ScratchObject } from "../rpc/scratch-object.ts";
import type { ExportEnv } from "./bindings.ts";
import { docsUrl } from "../api/docs-url.ts";

/**
 * Returns the scratch database of a job, without any call to it. Errors: `configuration-invalid` if the class is not
 * bound.
 */
export function getScratch(env: ExportEnv, jobId: string): DurableObjectStub<ScratchObject> {
  requireScratch(env);
  return (env.EXPORT_SCRATCH as DurableObjectNamespace<ScratchObject>).getByName(jobId);
}

/** Errors: `configuration-invalid` if no class of scratch databases is bound. */
export function requireScratch(env: ExportEnv): void {
  const problem = findScratchProblem(env);
  if (problem !== undefined) throw new ExportError("configuration-invalid", problem);
}

/** Returns why no class of scratch databases can be used; undefined if one is bound. */
export function findScratchProblem({ EXPORT_SCRATCH: namespace }: ExportEnv): string | undefined {
  if (namespace === undefined) {
    return `binding EXPORT_SCRATCH is missing: a proof by restore needs it and a migration: ${docsUrl("proof.md#set-it-up")}`;
  }
  return "getByName" in namespace
    ? undefined
    : "binding EXPORT_SCRATCH is no Durable Object namespace";
}
