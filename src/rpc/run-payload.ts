import * as v from "valibot";

import { ExportError } from "../api/errors.ts";

/** One run of a job. Its commits carry this id, and commits of an older run are refused. */
export interface RunId {
  jobId: string;
  /** From 1. */
  run: number;
}

/** A run as its Workflow instance knows it. */
export interface RunStart extends RunId {
  /**
   * Why the watchdog replaced the previous run. Undefined for a job's first run, and in payloads of
   * earlier versions.
   */
  rescuedFor?: string | undefined;
}

const runId = { jobId: v.string(), run: v.number() };

const RunPayloadSchema = v.variant("kind", [
  /** A run of an export job. */
  v.strictObject({
    kind: v.literal("export"),
    ...runId,
    rescuedFor: v.optional(v.string()),
  }),
  /**
   * Closes what an ended job left open, and sends its callback, starting with attempt
   * `callbackFrom`.
   */
  v.strictObject({ kind: v.literal("ending"), ...runId, callbackFrom: v.number() }),
  /** Tries the copies of a completed job again; `copying` numbers these instances from 1. */
  v.strictObject({ kind: v.literal("copying"), ...runId, copying: v.number() }),
  /** A run of a restore. */
  v.strictObject({
    kind: v.literal("restore"),
    ...runId,
    rescuedFor: v.optional(v.string()),
  }),
  /** A run of a fleet. */
  v.strictObject({
    kind: v.literal("fleet"),
    ...runId,
    rescuedFor: v.optional(v.string()),
  }),
  /** Removes what an ended restore left in its target, and sends its callback, starting with attempt `callbackFrom`. */
  v.strictObject({ kind: v.literal("restore-ending"), ...runId, callbackFrom: v.number() }),
  /** Closes the snapshot of a stream whose lease has expired. */
  v.strictObject({ kind: v.literal("stream-ending"), streamId: v.string() }),
]);

/**
 * The payload with which a Workflow instance starts. `kind` selects what the instance does. The
 * other fields match those of the previous version, which has no `kind`: it can run these instances
 * after a rollback.
 */
export type RunPayload = v.InferOutput<typeof RunPayloadSchema>;

/** Payloads of versions without `kind`. Their instances may still run, or sleep for hours. */
const FormerPayloadSchema = v.union([
  v.pipe(
    v.strictObject(runId),
    v.transform((payload): RunPayload => ({ kind: "export", ...payload })),
  ),
  v.pipe(
    v.strictObject({ ...runId, callbackFrom: v.number() }),
    v.transform((payload): RunPayload => ({ kind: "ending", ...payload })),
  ),
  v.pipe(
    v.strictObject({ streamId: v.string() }),
    v.transform((payload): RunPayload => ({ kind: "stream-ending", ...payload })),
  ),
]);

/**
 * Returns the payload of an instance that this version or an earlier one created. Errors:
 * `internal-error` for any other value.
 */
export function parseRunPayload(value: unknown): RunPayload {
  const { success, output } = v.safeParse(v.union([RunPayloadSchema, FormerPayloadSchema]), value);
  if (success) return output;
  throw new ExportError(
    "internal-error",
    `the Workflow instance has a payload that this version does not know: ${JSON.stringify(value)}; ` +
      "deploy the version that created the instance",
  );
}
