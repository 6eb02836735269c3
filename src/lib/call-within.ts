/** What `callWithin` throws. */
export class CallTimeout extends Error {
  override readonly name = "CallTimeout";
}

/**
 * Returns the result of `work` if it arrives within `timeoutMs`; otherwise throws `CallTimeout`.
 * The work itself cannot be stopped: its later result or error is dropped.
 */
export async function callWithin<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new CallTimeout(`no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
