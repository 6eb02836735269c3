import type { CopyTask } from "../../rpc/copy-jobs.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { parseFailure } from "../engine/failure.ts";
import type { CopyContext } from "./copy-context.ts";
import { copyStep } from "./copy-step.ts";

/** Runs a step of copying. */
export type CopySteps = <T extends Rpc.Serializable<T>>(
  kind: "copy" | "record failed copy",
  subject: string,
  body: (context: CopyContext) => Promise<T>,
) => Promise<T>;

/**
 * Copies files to their destinations, starting with `next`, until nothing can be copied now. A copy
 * that fails keeps no other from being made: the jobs object decides when it is tried again. Throws
 * the error of a copy that the job requires, and `run-superseded`.
 */
export async function copyFiles(steps: CopySteps, first: CopyTask | null): Promise<void> {
  let next = first;
  while (next !== null) {
    const task: CopyTask = next;
    try {
      const copied = await steps("copy", nameTask(task), (context) => copyStep(context, task));
      next = copied.next;
    } catch (error) {
      const failure = parseFailure(error);
      if (failure.code === "run-superseded") throw error;
      const failed = await steps("record failed copy", nameTask(task), async (context) =>
        unwrap(await context.jobs.failCopy(context.copier, { task, failure })),
      );
      if (failed.isFatal) throw error;
      next = failed.next;
    }
  }
}

/** Returns the first step of an instance that tries copies again. Errors: `run-superseded`. */
export async function beginCopying({
  jobs,
  copier,
}: CopyContext): Promise<{ next: CopyTask | null }> {
  return { next: unwrap(await jobs.nextCopy(copier)) };
}

function nameTask({ file, destination, number }: CopyTask): string {
  return `${file} to ${destination} ${number}`;
}
