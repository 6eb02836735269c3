import { ExportError } from "../api/errors.ts";
import { MIB } from "../api/limits.ts";
import type { RowMove, ScriptPlace } from "../rpc/load-plan.ts";
import { StatementSplitter } from "../sqlite/statement-splitter.ts";
import type { CountedRows } from "./row-counts.ts";
import { ScriptScan } from "./script-scan.ts";
import type { SchemaRow } from "./schema-row.ts";
import { readScriptText, requireText } from "./script-text.ts";

/** A longer statement is refused, because it is held in memory and runs in one turn. */
const STATEMENT_TEXT_MAX = 16 * MIB;

/** A table that a script creates. */
export interface ScannedTable {
  name: string;
  /** Its CREATE statement. */
  sql: string;
}

/** What a script contains, as far as it matters for loading. */
export interface ScannedScript {
  end: ScriptPlace;
  /** By name in lower case. */
  tables: Map<string, ScannedTable>;
  /** Rows that wait for the rows that they refer to. */
  moves: RowMove[];
  /** Virtual tables that the script inserts into `sqlite_schema`. */
  schemaRows: SchemaRow[];
  /** Statements that do not run, by kind. */
  skipped: Map<string, number>;
  /** The start of the statements that run late: see `LoadPlan`. */
  late: { from: ScriptPlace; number: number } | null;
  hasSequences: boolean;
  /** True if the script contains key-value entries. */
  hasKeyValues: boolean;
  /** The tables whose rows only plain INSERTs change, with their number of rows. */
  rows: CountedRows[];
}

/**
 * Reads a whole script before anything changes. Errors: `script-invalid`, with number, line and reason, if the
 * script is incomplete, contains something that cannot be loaded, or is not SQL.
 */
export async function scanScript(
  chunks: AsyncIterable<Uint8Array>,
  beat: () => Promise<void> = async () => {},
): Promise<ScannedScript> {
  const scan = new ScriptScan();
  const splitter = new StatementSplitter();
  for await (const chunk of readScriptText(requireText(chunks))) {
    for (const statement of splitter.push(chunk)) {
      scan.add(statement);
      splitter.expectRows(scan.insertHead);
    }
    if (splitter.pendingBytes > STATEMENT_TEXT_MAX) {
      const { statements, lines } = scan.end;
      throw new ExportError(
        "script-invalid",
        `statement ${statements + 1}, after line ${lines + 1}, is longer than ${STATEMENT_TEXT_MAX} bytes, or the file is not SQL`,
      );
    }
    await beat();
  }
  const rest = splitter.finish();
  if (rest !== undefined) scan.addUnended(rest);
  return scan.finish();
}
