import type { ExportEnv } from "../config/bindings.ts";
import type { Settings } from "../config/settings.ts";
import type { TokenAccess } from "../api/token-access.ts";

/** What Hono passes to every handler. */
export interface AppEnv {
  Bindings: ExportEnv;
  Variables: {
    /** The Worker's checked settings. */
    config: Settings;
    /** What the caller's token allows. */
    access: TokenAccess;
    /** What the links of this caller start with; undefined: the address that it used. */
    callerOrigin: string | undefined;
  };
}
