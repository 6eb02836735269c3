import { quoteIdentifier as q } from "../dump/identifier.ts";
import type { DumpPlan } from "../dump/plan.ts";
import type { Source } from "./source.ts";

/**
 * What a dump of `plan` lacks that only the source's rows or its kind can show, a sentence each. Reads the ids
 * of FTS5 indexes over other tables. Errors: the source's own.
 */
export async function readSourceWarnings(
  source: Source,
  plan: DumpPlan,
  { isFrozen }: { isFrozen: boolean },
): Promise<string[]> {
  const warnings = keyValueWarnings(source, plan, isFrozen);
  for (const { derived } of plan.tables) {
    if (derived?.kind !== "index-exclusions") continue;
    const { rows } = await source.query({ sql: derived.strayRowsSql });
    const count = Number(rows[0]?.[0]);
    if (count === 0) continue;
    warnings.push(
      `FTS5 table ${q(derived.index)} has entries of ${count} rows that its content does not have: ` +
        "no dump can contain them",
    );
  }
  return warnings;
}

const REASONS = {
  unreadable: "its class does not extend withExport",
  "other-format": "only SQL dumps contain it",
  live: "only exports with a snapshot contain it",
};

/** D1 keeps no customer's entries. */
function keyValueWarnings({ kind }: Source, plan: DumpPlan, isFrozen: boolean): string[] {
  if (kind === "d1" || plan.keyValues === undefined) return [];
  if (plan.keyValues === "exported" && isFrozen) return [];
  const reason = REASONS[plan.keyValues === "exported" ? "live" : plan.keyValues];
  return [`the object's key-value storage (_cf_KV) is not part of this dump: ${reason}`];
}
