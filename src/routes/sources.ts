import { SourceListSchema } from "../api/source-list.ts";
import { VERSION } from "../api/version.ts";
import { findBindingProblem } from "../databases/open-source.ts";
import { getSourceKind } from "../databases/source-kinds.ts";
import { reportStorage } from "../storage/open-artifact-store.ts";
import { route } from "./route.ts";

/**
 * `GET /export/sources`: what this deployment can export, and where it stores it. `doctor` shows
 * it.
 */
export const sourceRoutes = [
  route({
    method: "GET",
    path: "/export/sources",
    operationId: "listSources",
    summary: "List the sources of this deployment, and where it stores files",
    access: "read",
    answers: [{ status: 200, description: "The sources", content: SourceListSchema }],
    errors: [],
    handler: async ({ context, settings, access }) => {
      const { env } = context;
      return context.json({
        version: VERSION,
        access,
        ...(await reportStorage(env, settings)),
        sources: Object.entries(settings.sources).map(([name, config]) => {
          const kind = getSourceKind(config);
          return {
            name,
            type: config.type,
            objects: kind.objects(config),
            writable: config.writable === true,
            problem: findBindingProblem(env, config),
            ...kind.promises,
          };
        }),
      });
    },
  }),
];
