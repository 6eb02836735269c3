import type { Catalog, Table } from "../sqlite/catalog.ts";
import { nameArtifacts } from "./artifact-name.ts";
import { quoteIdentifier } from "../sqlite/identifier.ts";
import type { DumpFormat } from "./dump-format.ts";
import type { ArtifactPlan, DumpPlan } from "./plan.ts";
import { classifyVirtualTable } from "../sqlite/virtual-table.ts";

/** A format that writes one file per table. */
interface TableFileFormat {
  /** The suffix of the files' names, with its dot. */
  suffix: string;
  contentType: string;
  /** The text before the rows; none by default. */
  header?: (table: Table) => string;
  createEncoder: DumpFormat["createEncoder"];
}

/** Returns a format in which each file contains the rows of one table. */
export function makeTableFormat(format: TableFileFormat): DumpFormat {
  return {
    plan: ({ catalog }) => planTableFiles(catalog, format),
    createEncoder: format.createEncoder,
  };
}

/**
 * The plan of an export of rows only, with one artifact per table: ordinary tables, and virtual
 * tables that have their own rows. It leaves out computed columns, which every table in SQLite
 * handles differently.
 */
function planTableFiles(catalog: Catalog, format: TableFileFormat): DumpPlan {
  const tables: Table[] = [];
  const warnings: string[] = [];
  for (const table of catalog.tables) {
    const reason = reasonToLeaveOut(table);
    if (reason === undefined) tables.push(table);
    else warnings.push(`table ${quoteIdentifier(table.name)} is left out: ${reason}`);
  }
  const names = nameArtifacts(tables.map((table) => table.name));
  return {
    artifacts: tables.map((table, at): ArtifactPlan => {
      const header = format.header?.(table) ?? "";
      return {
        name: `${names[at]}${format.suffix}`,
        contentType: format.contentType,
        segments: [
          ...(header === "" ? [] : [{ kind: "text" as const, text: header }]),
          { kind: "rows", table: table.name },
        ],
      };
    }),
    tables,
    warnings: [...warnings, ...computedWarnings(tables)],
    ...(catalog.keyValues !== undefined && { keyValues: "other-format" as const }),
  };
}

function reasonToLeaveOut(table: Table): string | undefined {
  if (table.kind !== "virtual") return undefined;
  const { kind, ...rest } = classifyVirtualTable(table);
  if (kind === "rows") return undefined;
  if (kind === "unknown") return `module ${quoteIdentifier(table.module ?? "")} cannot be exported`;
  const content =
    "content" in rest ? `: its rows are those of ${quoteIdentifier(rest.content)}` : "";
  return `it keeps no content of its own${content}`;
}

function computedWarnings(tables: Table[]): string[] {
  return tables.flatMap((table) => {
    const names = table.columns
      .filter(({ generated }) => generated === "virtual" || generated === "stored")
      .map(({ name }) => quoteIdentifier(name));
    return names.length === 0
      ? []
      : [
          `generated columns of table ${quoteIdentifier(table.name)} are left out: ${names.join(", ")}`,
        ];
  });
}
