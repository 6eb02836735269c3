import type { ExportEnv } from "../config/bindings.ts";
import type { Settings } from "../config/settings.ts";
import type { TokenAccess } from "../config/access-tokens.ts";

/** What every handler gets from Hono. */
export interface AppEnv {
  Bindings: ExportEnv;
  Variables: {
    /** The Worker's checked settings. */
    config: Settings;
    /** What the caller's token opens. */
    access: TokenAccess;
  };
}
