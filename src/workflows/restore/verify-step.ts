import { ExportError } from "../../api/errors.ts";
import { quoteIdentifier } from "../../sqlite/identifier.ts";
import type { RunContext } from "../engine/run-context.ts";
import { RestoreRun } from "./restore-run.ts";
import { readManifest } from "./scan-step.ts";

/** What a step "verify" reports to the dashboard. */
export interface VerifiedStep {
  method: string;
  pieces: number;
  isDone: boolean;
}

/**
 * Compares the next part of what was restored with its dump. Repeating it compares what follows. Errors:
 * `restore-differs`, with the place; the source's own.
 */
export function verifyStep(context: RunContext): Promise<VerifiedStep> {
  return RestoreRun.perform(context, verify);
}

async function verify(run: RestoreRun): Promise<VerifiedStep> {
  const { context } = run;
  const { verification } = run.state;
  const method = verification.method ?? "none";
  if (method === "none") {
    await run.commit({ verification: { ...verification, state: "skipped" } });
    return { method, pieces: 0, isDone: true };
  }
  const { manifestKey } = run.require("script");
  const manifest = await readManifest(context.store, { manifestKey });
  const source = run.openTarget();
  let rows = 0;
  let pieces = 0;
  for (const table of manifest?.tables ?? []) {
    const sql = `SELECT count(*) FROM ${quoteIdentifier(table.name)}`;
    const count = Number((await source.query({ sql })).rows[0]?.[0]);
    if (count !== table.rows) {
      throw new ExportError(
        "restore-differs",
        `table ${JSON.stringify(table.name)} has ${count} rows, and the dump has ${table.rows}`,
        { details: { table: table.name } },
      );
    }
    rows += count;
    pieces += 1;
    await context.beat();
  }
  await run.commit({
    verification: { ...verification, state: "equal", pieces, piecesTotal: pieces, rows },
  });
  return { method, pieces, isDone: true };
}
