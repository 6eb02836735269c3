import type { WorkflowStep, WorkflowStepConfig } from "cloudflare:workers";
import { env } from "cloudflare:test";
import { expect, test } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import { parseFailure } from "../../src/workflows/engine/failure.ts";
import { defineRetryPolicy } from "../../src/workflows/engine/retry-policy.ts";
import { openSteps } from "../../src/workflows/engine/steps.ts";

/** The steps of a Workflow of which the engine knows nothing. */
const POLICIES = {
  "load rows": defineRetryPolicy({ limit: 3, delay: "2 seconds", timeout: "5 minutes" }),
  rest: defineRetryPolicy({ limit: 1, delay: "5 seconds", timeout: "1 minute" }),
};

/** A platform that runs each step's attempt number `attempt`, and what it was asked for. */
function platform(attempt = 1) {
  const asked: { name: string; config?: WorkflowStepConfig; ms?: number }[] = [];
  const step = {
    do: (name: string, config: WorkflowStepConfig, body: (context: object) => Promise<unknown>) => {
      asked.push({ name, config });
      return body({ attempt });
    },
    sleep: async (name: string, ms: number) => void asked.push({ name, ms }),
  };
  return { asked, steps: openSteps(step as unknown as WorkflowStep, env, POLICIES) };
}

test("names a step for its kind and subject, and retries it by the kind's policy", async () => {
  const { asked, steps } = platform();
  expect(await steps.do("load rows", "a\tb 1", async ({ EXPORT_JOBS }) => typeof EXPORT_JOBS)).toBe(
    "object",
  );
  await steps.sleep("wait", 5);
  expect(asked).toEqual([
    {
      name: "load rows a\\tb 1",
      config: {
        retries: { limit: 3, delay: "2 seconds", backoff: "exponential" },
        timeout: "5 minutes",
      },
    },
    { name: "wait", ms: 5 },
  ]);
});

test("gives each attempt of a run's step a context of its own", async () => {
  const runId = { jobId: "job", run: 2 };
  const run = platform().steps.forRun(runId);
  const contexts: object[] = [];
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    expect(
      await run("rest", "", async (context) => {
        contexts.push(context);
        return context.runId;
      }),
    ).toEqual(runId);
  }
  expect(contexts[0]).not.toBe(contexts[1]);
});

test.each([
  ["source-unavailable", 1, "Error"],
  ["source-timeout", 3, "Error"],
  ["source-timeout", 4, "NonRetryableError"],
  ["table-not-found", 1, "NonRetryableError"],
] as const)("passes on a failure %s of attempt %i as an %s", async (code, attempt, name) => {
  const failed = platform(attempt).steps.do("rest", "", () =>
    Promise.reject(new ExportError(code, "for a reason")),
  );
  const error = await failed.catch((cause: unknown) => cause as Error);
  expect(error).toMatchObject({ name });
  expect(parseFailure(error)).toEqual({ code, message: "for a reason" });
});

test("passes on an error without a code as an internal error", async () => {
  const failed = platform().steps.do("rest", "", () => Promise.reject(new TypeError("no")));
  expect(parseFailure(await failed.catch((cause: unknown) => cause))).toEqual({
    code: "internal-error",
    message: "no",
  });
});
