import { type ExportEnv, getExportJobs } from "../../config/bindings.ts";
import { readSettings } from "../../config/settings.ts";
import type { CallbackMove } from "../../rpc/callback-move.ts";
import { chooseCallbackMove } from "../../notify/callback-schedule.ts";
import { checkCallbackTarget } from "../../notify/callback-target.ts";
import { ExportError } from "../../api/errors.ts";
import { isLocalOrigin } from "../../lib/local-origin.ts";
import { type CallbackResult, sendCallback } from "../../notify/send-callback.ts";
import { readWebhookSecrets } from "../../notify/webhook-secrets.ts";
import type { PendingCallback } from "../../rpc/run-jobs.ts";
import type { Steps } from "../engine/steps.ts";

/** The result of a step "send callback N", for the dashboard. */
interface CallbackStep {
  /** `over`: no callback remained to be sent. */
  status: CallbackMove["status"] | "over";
  error: string | null;
  /** The next attempt, and the wait before it; null after the last attempt. */
  next: { attempt: number; delayMs: number } | null;
}

/**
 * Sends an ended job's callback, starting with attempt number `attempt`. Each attempt is a step `send callback N`,
 * with sleeps between them, until the callback is delivered or abandoned, or the job is deleted. The steps' results
 * decide the next attempt, so a replay takes the same path. Never changes the job's state.
 */
export async function sendCallbacks(
  steps: Pick<Steps<"send callback">, "do" | "sleep">,
  from: { jobId: string; attempt: number },
): Promise<void> {
  let { attempt } = from;
  for (;;) {
    const current = attempt;
    const { next } = await steps.do("send callback", String(current), (env) =>
      tryCallback(env, from.jobId, current),
    );
    if (next === null) return;
    await steps.sleep(`wait for try ${next.attempt}`, next.delayMs);
    attempt = next.attempt;
  }
}

async function tryCallback(env: ExportEnv, jobId: string, attempt: number): Promise<CallbackStep> {
  const jobs = getExportJobs(env);
  const turn = await jobs.beginPost(jobId, attempt);
  if (turn.do === "end") return { status: "over", error: null, next: null };
  if (turn.do === "wait") {
    // This attempt was made, or is being made. Only the attempts after it remain.
    const { attempt: next, delayMs } = turn;
    return { status: "pending", error: null, next: { attempt: next, delayMs } };
  }
  const pending = turn.callback;
  const localDevelopment = isLocalOrigin(pending.origin);
  const result = await send(env, jobId, pending, localDevelopment);
  const move = chooseCallbackMove({
    attempt,
    outcome: result.outcome,
    retryAfterMs: result.retryAfterMs,
    random: Math.random(),
    localDevelopment,
  });
  const error = result.error ?? null;
  await jobs.recordCallback({ jobId, attempt, move, error, nowMs: Date.now() });
  return {
    status: move.status,
    error,
    next: move.status === "pending" ? { attempt: attempt + 1, delayMs: move.delayMs } : null,
  };
}

/** Sends one POST. It checks the target again, because the allowlist may have changed since the job started. */
async function send(
  env: ExportEnv,
  jobId: string,
  pending: PendingCallback,
  localDevelopment: boolean,
): Promise<CallbackResult> {
  try {
    const config = readSettings(env);
    return await sendCallback({
      url: checkCallbackTarget(pending.url, {
        allowlist: config.callbackAllowlist,
        localDevelopment,
      }),
      id: jobId,
      timestampMs: Date.now(),
      payload: makePayload(pending),
      secrets: readWebhookSecrets(config, { localDevelopment }),
      fetch: (url, init) => fetch(url, init),
    });
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    const outcome = error.code === "callback-url-refused" ? "gone" : "retry";
    return { outcome, error: `${error.code}: ${error.message}` };
  }
}

/** A job whose files expired in the meantime was still completed. */
function makePayload({ view, endedAtMs }: PendingCallback): string {
  const end = view.status === "expired" ? "completed" : view.status;
  return JSON.stringify({
    type: `${"kind" in view ? view.kind : "export"}.${end}`,
    timestamp: new Date(endedAtMs).toISOString(),
    data: view,
  });
}
