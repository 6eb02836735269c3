import type { Config, ExportEnv } from "../config/env.ts";
import type { TokenAccess } from "./openapi/route-table.ts";

/** What every handler is given. */
export interface AppEnv {
  Bindings: ExportEnv;
  Variables: {
    /** The Worker's checked settings. */
    config: Config;
    /** What the caller's token opens. */
    access: TokenAccess;
  };
}
