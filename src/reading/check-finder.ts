import type { RowExpression } from "../sqlite/column-sql.ts";
import type { DumpPlan } from "../formats/plan.ts";
import { StatementTooLong } from "../sqlite/statement-length.ts";
import {
  brokenCheckSql,
  describeBrokenCheck,
  listChecks,
  type TableCheck,
  describeUnknownCheck,
} from "../sqlite/table-checks.ts";
import type { Table } from "../sqlite/catalog.ts";
import { ExportError } from "../api/errors.ts";

/**
 * Finds rows of one table that violate a CHECK while they are read for the dump. No CHECK can make
 * reading fail: if its condition cannot be evaluated, rows are read without it, and a warning
 * reports it.
 */
export class CheckFinder {
  readonly #table: string;
  readonly #checks: TableCheck[];
  #brokenSql: RowExpression | undefined;
  #failure: string | undefined;

  /** Looks for nothing if the plan's format does not report such rows. */
  constructor(table: Table, { reportsBrokenChecks }: Pick<DumpPlan, "reportsBrokenChecks">) {
    this.#table = table.name;
    this.#checks = reportsBrokenChecks === true ? listChecks(table) : [];
    this.#brokenSql = this.#checks.length === 0 ? undefined : brokenCheckSql(this.#checks);
  }

  /** The SQL that `read` passes on; undefined if there is nothing to look for. */
  get brokenSql(): RowExpression | undefined {
    return this.#brokenSql;
  }

  /**
   * Runs `read` with the SQL that numbers the CHECK which a row violates, if there is one. If that
   * fails, runs it without the SQL, now and in later calls. Errors: those of `read` without the
   * SQL.
   */
  async read<Result>(
    read: (brokenSql: RowExpression | undefined) => Promise<Result>,
  ): Promise<Result> {
    if (this.#brokenSql === undefined) return read(undefined);
    try {
      return await read(this.#brokenSql);
    } catch (error) {
      const isTooLong = error instanceof StatementTooLong;
      if (!isTooLong && !(error instanceof ExportError)) throw error;
      // The source may recover immediately, so its failure would prove nothing about the CHECK.
      if (!isTooLong && error.code === "source-unavailable") throw error;
      const result = await read(undefined);
      this.#brokenSql = undefined;
      this.#failure = isTooLong ? "their text is too long" : error.message;
      return result;
    }
  }

  /**
   * Returns the warnings for the numbers found in a page, and once for conditions that could not be
   * evaluated.
   */
  takeWarnings(broken: readonly number[]): string[] {
    const warnings = broken.flatMap((number) => {
      const check = this.#checks[number - 1];
      return check === undefined ? [] : [describeBrokenCheck(this.#table, check)];
    });
    if (this.#failure !== undefined)
      warnings.push(describeUnknownCheck(this.#table, this.#failure));
    this.#failure = undefined;
    return warnings;
  }
}
