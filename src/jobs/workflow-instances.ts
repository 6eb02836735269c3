import type { ExportEnv } from "../config/bindings.ts";

/**
 * What Workflows reports about a run's instance. An instance that is reported alive may be
 * forgotten; one that has ended, or was never created, no longer works. A queued one waits for
 * Workflows, a paused one for a person.
 */
export type InstanceCondition = "alive" | "queued" | "paused" | "ended" | "unknown";

type ExportWorkflow = ExportEnv["EXPORT_WORKFLOW"];
type Instance = Parameters<ExportWorkflow["create"]>[0];

/** Creates a Workflow instance, unless one has its id. Throws if Workflows cannot be reached. */
export async function createOnce(workflow: ExportWorkflow, instance: Instance): Promise<void> {
  try {
    await workflow.create(instance);
  } catch (cause) {
    if (!hasCode(cause, "already_exists")) throw cause;
  }
}

/**
 * Returns the condition of a Workflow instance; `ended` also if it was never created or was
 * deleted. Throws if Workflows cannot be reached.
 */
export async function readCondition(
  workflow: ExportWorkflow,
  id: string,
): Promise<InstanceCondition> {
  try {
    const { status } = await (await workflow.get(id)).status();
    return CONDITIONS[status] ?? "unknown";
  } catch (cause) {
    if (hasCode(cause, "not_found")) return "ended";
    throw cause;
  }
}

const CONDITIONS: Partial<Record<InstanceStatus["status"], InstanceCondition>> = {
  queued: "queued",
  running: "alive",
  waiting: "alive",
  rollingBack: "alive",
  paused: "paused",
  waitingForPause: "paused",
  errored: "ended",
  terminated: "ended",
  complete: "ended",
};

/** Workflows throws plain errors whose message contains a code, such as `instance.not_found`. */
function hasCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && cause.message.includes(code);
}
