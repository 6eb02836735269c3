/** How long a running call may continue after Ctrl-C, in milliseconds. */
export const GRACE_MS = 10_000;

/**
 * Returns a signal that aborts some seconds after `signal`, so Ctrl-C does not cut off a call that starts a job.
 */
export function graceSignal(signal: AbortSignal): AbortSignal {
  const grace = new AbortController();
  const abortSoon = () => {
    setTimeout(() => grace.abort(), GRACE_MS).unref();
  };
  if (signal.aborted) abortSoon();
  else signal.addEventListener("abort", abortSoon, { once: true });
  return grace.signal;
}
