/** How many items one answer of the Worker contains at most. */
const PAGE_MAX = 100;

/** The most items that a command lists. */
export const LIST_MAX = 100_000;

/** Returns the first `limit` items of a list that the Worker returns in pages. */
export async function collectPages<T>(
  list: (page: {
    limit: number;
    cursor: string | undefined;
  }) => Promise<{ items: T[]; cursor: string | null }>,
  limit: number,
): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ limit: Math.min(limit - found.length, PAGE_MAX), cursor });
    found.push(...page.items);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && found.length < limit);
  return found;
}
