import type { Copy } from "./answers.ts";
import { formatBytes, oneLine } from "./format.ts";

/** Returns, for instance, "offsite copied (1.2 MB, shop/2026/11/28/…/)". */
export function describeCopy({ destination, state, folder, bytes, nextAttemptAt }: Copy): string {
  const next = nextAttemptAt === null ? "" : `, next attempt ${nextAttemptAt}`;
  return oneLine(`${destination} ${state} (${formatBytes(bytes)}, ${folder})${next}`);
}
