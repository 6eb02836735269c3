import type { Catalog, Table } from "../sqlite/catalog.ts";
import type { Masks } from "../api/masks.ts";
import type { DumpContent } from "../api/export-request.ts";

/** A sequence of an artifact's bytes that comes from one origin. */
export type Segment =
  /** Text known from the catalog. */
  | { kind: "text"; text: string }
  /** All rows of a table. */
  | { kind: "rows"; table: string }
  /** The text that a query with one row and one column returns (NULL for none). */
  | { kind: "query"; sql: string };

export interface ArtifactPlan {
  name: string;
  contentType: string;
  segments: Segment[];
}

/** Everything that an export will write, in order; the same for the same catalog and request. */
export interface DumpPlan {
  artifacts: ArtifactPlan[];
  /** Tables whose rows are exported, in the order of their segments. */
  tables: Table[];
  /** What the reader of the dump must know, one sentence each. */
  warnings: string[];
  /** The request's masks. They are part of the plan, so no code that ignores them continues a dump. */
  mask?: Masks;
  /** True if the dump must report rows that violate a CHECK, because they do not load. */
  reportsBrokenChecks?: boolean;
  /**
   * What happens to the key-value storage that the catalog lists; undefined if the request did not
   * ask for it.
   */
  keyValues?: "exported" | "unreadable" | "other-format";
}

export interface PlanRequest {
  /** What is exported; `filterCatalog` removes everything else. */
  catalog: Catalog;
  /** The source's name, for the header. */
  source: string;
  /** Version of this package, for the header. */
  version: string;
  content: DumpContent;
  /** True if values are masked, so indexes over them differ from the source's; default: false. */
  isMasked?: boolean;
}
