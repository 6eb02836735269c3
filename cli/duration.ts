import { usageError } from "./cli-error.ts";

const UNIT_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Returns "90s", "30m", "2h" or "1d" in milliseconds; a bare number means minutes. Throws a usage
 * error that names the option.
 */
export function parseDurationMs(text: string, option: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*([smhd])?$/.exec(text.trim());
  const value = Number(match?.[1]);
  if (match === null || value <= 0) {
    throw usageError(
      `${option}: ${JSON.stringify(text)} is not a duration`,
      "Write 90s, 30m, 2h or 1d.",
    );
  }
  return value * (UNIT_MS[match[2] ?? "m"] ?? 0);
}
