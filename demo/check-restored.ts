import type { DatabaseSync } from "node:sqlite";
import { formatNumberOf, shorten } from "../cli/format.ts";
import { quoteIdentifier } from "../src/sqlite/identifier.ts";
import { compareDatabases } from "./compare.ts";
import type { Comparison } from "./compare.ts";
import { listLeftOut } from "./left-out.ts";
import { printLine, since, withProgress } from "./progress.ts";
import type { LeftOut } from "./schema.ts";
import { totalRows } from "./source-file.ts";
import type { SourceFile } from "./source-file.ts";

const EXAMPLE_CHARS_MAX = 500;
const PROBLEMS_MAX = 10;

/** How a restored database compares with its source file. */
export interface Verdict {
  /** True if everything that a dump can contain is the same. */
  isSame: boolean;
  /** What the restored database lacks nevertheless. */
  leftOut: LeftOut[];
}

/**
 * Compares the restored database with the source, has SQLite check it, and prints the results of
 * both.
 */
export async function checkRestored({
  source,
  restored,
  leftOut,
  signal,
}: {
  source: SourceFile;
  restored: DatabaseSync;
  /** What was not loaded. */
  leftOut: LeftOut[];
  signal: AbortSignal;
}): Promise<Verdict> {
  const startMs = Date.now();
  const result = await withProgress("compare", totalRows(source), async (progress) => {
    const found = await compareDatabases(source.db, restored, {
      leftOut: new Set(leftOut.map(({ name }) => name)),
      onRows: (rows) => progress.update(rows, formatNumberOf(rows, "row")),
      signal,
    });
    progress.end(`${describeComparison(found)}, in ${since(startMs)}`);
    return found;
  });
  for (const example of result.examples) printLine("", shorten(example, EXAMPLE_CHARS_MAX));
  for (const name of result.withoutContent)
    printLine("", `${name} has no rows of its own to compare`);
  const problems = checkIntegrity(restored, source, new Set(leftOut.map(({ name }) => name)));
  for (const problem of problems) printLine("integrity", problem);
  return {
    isSame: result.differences === 0 && problems.length === 0,
    leftOut: [...leftOut, ...mendedTexts(result, source), ...listLeftOut(source, restored)],
  };
}

function describeComparison(found: Comparison): string {
  const counts = [
    `${formatNumberOf(found.values, "value")} in ${formatNumberOf(found.rows, "row")} of ${formatNumberOf(found.tables, "table")}`,
    formatNumberOf(found.objects, "definition"),
  ];
  const outcome =
    found.differences === 0 ? "all the same" : formatNumberOf(found.differences, "difference");
  return `${counts.join(", ")}: ${outcome}`;
}

function mendedTexts({ mendedTexts }: Comparison, { encoding }: SourceFile): LeftOut[] {
  if (mendedTexts === 0) return [];
  const name = formatNumberOf(mendedTexts, "text");
  return [{ name, reason: `what is not valid ${encoding} (UTF-8 has U+FFFD instead)` }];
}

/** What SQLite's own checks find wrong in the restored file, including its full-text indexes. */
function checkIntegrity(
  restored: DatabaseSync,
  source: SourceFile,
  leftOut: ReadonlySet<string>,
): string[] {
  // The source has the same rows, even if they violate a CHECK.
  restored.exec("PRAGMA ignore_check_constraints = ON");
  const problems = restored
    .prepare(`PRAGMA integrity_check(${PROBLEMS_MAX})`)
    .all()
    .map((row) => String(row["integrity_check"]))
    .filter((text) => text !== "ok");
  for (const { name, virtual } of source.schema.tables) {
    if (virtual?.module !== "fts5" || virtual.content === "none" || leftOut.has(name)) continue;
    const index = source.indexes.get(name);
    if (index?.unreadable !== undefined) continue;
    // With a rank of 1, FTS5 compares the index with its content.
    const isWhole = index === undefined || index.missing.length === 0;
    const table = quoteIdentifier(name);
    try {
      restored.exec(
        `INSERT INTO ${table}(${table}, rank) VALUES ('integrity-check', ${isWhole ? 1 : 0})`,
      );
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
    }
  }
  return problems;
}
