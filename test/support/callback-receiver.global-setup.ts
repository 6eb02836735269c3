import type { TestProject } from "vitest/node";
import { startCallbackReceiver } from "./callback-receiver.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where tests in workerd find the receiver of test/support/callback-receiver.ts. */
    callbackReceiverOrigin: string;
  }
}

/** Runs the callback receiver during the tests: workerd itself cannot listen on a port. */
export default async function setUp(project: TestProject): Promise<() => void> {
  const receiver = await startCallbackReceiver();
  project.provide("callbackReceiverOrigin", receiver.origin);
  return receiver.stop;
}
