import { quoteIdentifier as q } from "../sqlite/identifier.ts";
import { KEY_VALUE_STORAGE } from "../sqlite/key-values.ts";
import type { DumpPlan } from "../formats/plan.ts";
import { ExportError } from "../api/errors.ts";
import type { Source } from "../databases/source.ts";

/**
 * Returns what a dump of `plan` lacks, one sentence each, if only the source's rows or its kind can
 * show it. Reads the ids of FTS5 indexes over other tables in their current state. One that is gone
 * by then is also a warning, since the export does not depend on it. Errors: the source's own,
 * unless a query fails.
 */
export async function readSourceWarnings(
  source: Source,
  plan: DumpPlan,
  { isFrozen }: { isFrozen: boolean },
): Promise<string[]> {
  const warnings = keyValueWarnings(source, plan, isFrozen);
  for (const { derived } of plan.tables) {
    if (derived?.kind !== "index-exclusions") continue;
    const count = await countStrayRows(source, derived.strayRowsSql);
    if (count === 0) continue;
    if (count === undefined) {
      warnings.push(`FTS5 table ${q(derived.index)} could not be compared with its content`);
      continue;
    }
    warnings.push(
      `FTS5 table ${q(derived.index)} has entries for ${count} row${count === 1 ? "" : "s"} that its content lacks: ` +
        `no dump can contain ${count === 1 ? "it" : "them"}`,
    );
  }
  return warnings;
}

/** Undefined if the query fails: a writer may have dropped a table in the meantime. */
async function countStrayRows(source: Source, sql: string): Promise<number | undefined> {
  try {
    const { rows } = await source.query({ sql });
    return Number(rows[0]?.[0]);
  } catch (error) {
    if (error instanceof ExportError && error.code === "source-query-failed") return undefined;
    throw error;
  }
}

const REASONS = {
  unreadable: "its class does not extend withExport",
  "other-format": "only SQL dumps contain it",
  live: "only exports with a snapshot contain it",
};

function keyValueWarnings({ hasKeyValues }: Source, plan: DumpPlan, isFrozen: boolean): string[] {
  if (!hasKeyValues || plan.keyValues === undefined) return [];
  if (plan.keyValues === "exported" && isFrozen) return [];
  const reason = REASONS[plan.keyValues === "exported" ? "live" : plan.keyValues];
  return [`the object's ${KEY_VALUE_STORAGE} (_cf_KV) is not part of this dump: ${reason}`];
}
