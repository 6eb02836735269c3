import { VERIFICATIONS, VERIFY_DEFAULT } from "../api/proof.ts";
import { SourceListSchema } from "../api/source-list.ts";
import { VERSION } from "../api/version.ts";
import { findScratchProblem } from "../config/scratch.ts";
import { findBindingProblem } from "../databases/open-source.ts";
import { getSourceKind } from "../databases/source-kinds.ts";
import { findSigningProblem } from "../sealing/signature.ts";
import { reportStorage } from "../storage/open-artifact-store.ts";
import { route } from "./route.ts";

/** `GET /export/sources`: what this deployment can export, and where it stores files. `doctor` shows it. */
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
      const problem = findScratchProblem(env) ?? null;
      return context.json({
        version: VERSION,
        access,
        ...(await reportStorage(env, settings)),
        proof: { problem, rowsMax: settings.proofRowsMax },
        keys: {
          recipients: settings.ageRecipients.length,
          signs: settings.signingKey !== undefined,
          problem: (await findSigningProblem(settings.signingKey)) ?? null,
        },
        sources: Object.entries(settings.sources).map(([name, config]) => {
          const kind = getSourceKind(config);
          return {
            name,
            type: config.type,
            objects: kind.objects(config),
            writable: config.writable === true,
            problem: findBindingProblem(env, config),
            ...kind.promises,
            verify: {
              default: VERIFY_DEFAULT,
              // Every kind of source: the dump is loaded into the Worker's own class.
              available: problem === null ? VERIFICATIONS : [VERIFY_DEFAULT],
            },
          };
        }),
      });
    },
  }),
];
