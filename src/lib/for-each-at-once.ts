/**
 * Calls `work` with each item, in order, with at most `atOnce` calls under way at a time. Resolves when
 * all have ended. Rejects with the first error; the other calls continue.
 */
export async function forEachAtOnce<T>(
  atOnce: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  // The callers share one iterator: each takes the next item.
  const rest = items.values();
  const workOff = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, workOff));
}
