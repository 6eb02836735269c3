import { DurableObject } from "cloudflare:workers";

import { withExport } from "../source/with-export.ts";

/**
 * The embedded database behind `POST /query`: the two methods of a source, and nothing else. The
 * source `main` of this repository's own deployment.
 */
export class Database extends withExport(DurableObject) {}
