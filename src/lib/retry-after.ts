/** The longest wait that is read from `Retry-After`; the schedule limits it further. */
export const RETRY_AFTER_MS_MAX = 24 * 3_600_000;

/**
 * Returns the wait that a `Retry-After` header requests, in milliseconds from `nowMs`: a number of
 * seconds or an HTTP date (RFC 9110, section 10.2.3). It is 0 for a past date, at most
 * RETRY_AFTER_MS_MAX, and undefined if the header is missing or has another form.
 */
export function parseRetryAfterMs(header: string | null, nowMs: number): number | undefined {
  const value = header?.trim() ?? "";
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1_000, RETRY_AFTER_MS_MAX);
  // Every HTTP date in use has this form. Date.parse would read many other texts as local time.
  if (!/^[A-Z][a-z]{2,8}, .* GMT$/.test(value)) return undefined;
  const dateMs = Date.parse(value);
  if (Number.isNaN(dateMs)) return undefined;
  return Math.min(Math.max(dateMs - nowMs, 0), RETRY_AFTER_MS_MAX);
}
