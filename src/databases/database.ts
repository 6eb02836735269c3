import { DurableObject } from "cloudflare:workers";

import type { ExportQuery, QueryMethod } from "./with-export/with-export.ts";
import { withExport } from "./with-export/with-export.ts";

/**
 * The embedded database of `POST /query`: the methods of a source, and the method by which the
 * route recognizes this class. It is the source `main` of this repository's own deployment.
 */
export class Database extends withExport(DurableObject) {
  /** `queryAllOrNothing`, under a name that no other class has. */
  queryEmbedded(
    queries: ExportQuery[],
    bytesMax: number,
  ): ReturnType<QueryMethod["queryAllOrNothing"]> {
    return this.queryAllOrNothing(queries, bytesMax);
  }
}
