import type { Config, ExportEnv } from "../env.ts";

/** What every handler is given. */
export interface AppEnv {
  Bindings: ExportEnv;
  Variables: {
    /** The Worker's checked settings. */
    config: Config;
  };
}
