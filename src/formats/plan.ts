import type { Catalog, Table } from "../sqlite/catalog.ts";
import type { DumpContent } from "../api/export-request.ts";

/** A run of bytes of an artifact that comes from one place. */
export type Segment =
  /** Text known from the catalog. */
  | { kind: "text"; text: string }
  /** All rows of a table. */
  | { kind: "rows"; table: string }
  /** The one text that a query of one row and column returns (NULL for none). */
  | { kind: "query"; sql: string };

export interface ArtifactPlan {
  name: string;
  contentType: string;
  segments: Segment[];
}

/** Everything an export will write, in order; the same for the same catalog and request. */
export interface DumpPlan {
  artifacts: ArtifactPlan[];
  /** Tables whose rows are exported, in the order of their segments. */
  tables: Table[];
  /** What the reader of the dump has to know, a sentence each. */
  warnings: string[];
  /** True if the dump must report rows that break a CHECK, since they do not load. */
  reportsBrokenChecks?: boolean;
  /** What becomes of the key-value storage that the catalog shows; undefined if nobody asked for it. */
  keyValues?: "exported" | "unreadable" | "other-format";
}

export interface PlanRequest {
  /** What is exported; `filterCatalog` takes away what is not. */
  catalog: Catalog;
  /** Name of the source, for the header. */
  source: string;
  /** Version of this package, for the header. */
  version: string;
  content: DumpContent;
}
