/**
 * Yields what `items` yields, once `check` has passed; both run at the same time. If both fail, the error is that of
 * `check`.
 */
export async function* afterCheck<T>(
  check: Promise<unknown>,
  items: AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  // It is awaited below.
  check.catch(() => {});
  try {
    for await (const item of items) {
      await check;
      yield item;
    }
  } finally {
    await check;
  }
}
