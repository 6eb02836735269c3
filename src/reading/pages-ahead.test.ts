import { expect, test } from "vitest";

import { PAGE_BYTES } from "../api/limits.ts";
import { PagesAhead } from "./pages-ahead.ts";

const describe = (length: number) => ({ length, isRequested: true });

/** A database that is `travelMs` away and works 8 ms on a full page. */
async function afterPages(travelMs: number, options: { pagesMax?: number } = {}) {
  const clock = { ms: 0 };
  const ahead = new PagesAhead({ pagesMax: 4, nowMs: () => clock.ms, ...options });
  const read = async (bytes: number): Promise<void> => {
    const answer = async (): Promise<number> => {
      clock.ms += travelMs + (8 * bytes) / PAGE_BYTES;
      return bytes;
    };
    ahead.take(await ahead.request(bytes, answer, describe));
  };
  await read(PAGE_BYTES / 40);
  for (let page = 0; page < 6; page += 1) await read(PAGE_BYTES);
  return ahead;
}

/** How many full pages are requested before the first of them is answered. */
function countRequests(ahead: PagesAhead): number {
  let count = 0;
  while (count < 100 && ahead.mayRequest(PAGE_BYTES)) {
    void ahead.request(PAGE_BYTES, () => new Promise<number>(() => {}), describe);
    count += 1;
  }
  return count;
}

test.each([
  [0, 1],
  [1, 1],
  [5, 1],
  [12, 2],
  [25, 4],
  [100, 4],
])("a database %i ms away gets %i pages at a time", async (travelMs, pages) => {
  expect(countRequests(await afterPages(travelMs))).toBe(pages);
});

test("however far a database is, it gets at most as many pages as allowed", async () => {
  expect(countRequests(await afterPages(1_000, { pagesMax: 1 }))).toBe(1);
  expect(countRequests(await afterPages(1_000, { pagesMax: 16 }))).toBe(7);
});

test("pages that nobody needs are not requested", async () => {
  const demand = () => ({ bytes: 2 * PAGE_BYTES, artifacts: 0 });
  const ahead = await afterPages(100, { demand } as object);
  expect(countRequests(ahead)).toBe(2);
});
