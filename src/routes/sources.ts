import { SOURCE_PROMISES, type SourceConfig } from "../api/source-config.ts";
import { SourceListSchema } from "../api/source-list.ts";
import { VERSION } from "../api/version.ts";
import { getExportJobs } from "../config/bindings.ts";
import { bindingProblem } from "../databases/open-source.ts";
import { route } from "./route.ts";

/** `GET /export/sources`: what this deployment can export, and where it keeps it. `doctor` shows it. */
export const sourceRoutes = [
  route({
    method: "GET",
    path: "/export/sources",
    operationId: "listSources",
    summary: "List what this deployment can export, and where it keeps it",
    access: "read",
    answers: [{ status: 200, description: "The sources", content: SourceListSchema }],
    errors: [],
    handler: async ({ context, settings }) => {
      const { env } = context;
      const inline =
        env.EXPORT_R2_BUCKET === undefined
          ? {
              bytesUsed: await getExportJobs(env).databaseBytes(),
              bytesMax: settings.inlineBytesMax,
            }
          : null;
      return context.json({
        version: VERSION,
        storage: inline === null ? "r2" : "inline",
        inline,
        sources: Object.entries(settings.sources).map(([name, config]) => ({
          name,
          type: config.type,
          objects: describeObjects(config),
          problem: bindingProblem(env, config),
          ...SOURCE_PROMISES[config.type],
        })),
      });
    },
  }),
];

/** Whether a request may or must name an object. Names are the customer's, so they are not listed. */
function describeObjects(config: SourceConfig): "one" | "listed" | "any" {
  if (config.type === "d1" || config.names === undefined) return "one";
  return config.names === "any" ? "any" : "listed";
}
