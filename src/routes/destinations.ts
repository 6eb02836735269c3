import { DestinationProbesSchema } from "../api/destination-list.ts";
import { ExportError } from "../api/errors.ts";
import type { Settings } from "../config/settings.ts";
import { callWithin, CallTimeout } from "../lib/call-within.ts";
import { isLocalOrigin } from "../lib/local-origin.ts";
import { openDestination } from "../storage/destinations/open-destination.ts";
import { probeDestination } from "../storage/destinations/probe-destination.ts";
import type { AppEnv } from "./app-env.ts";
import { route } from "./route.ts";

/** How long the probe of a destination may take, in milliseconds. */
const PROBE_MS_MAX = 30_000;

/** `POST /export/destinations/probe`: checks that copies can be written. `doctor` calls it. */
export const destinationRoutes = [
  route({
    method: "POST",
    path: "/export/destinations/probe",
    operationId: "probeDestinations",
    summary: "Write, read and remove a small object at each destination",
    access: "job",
    answers: [
      {
        status: 200,
        description: "What is wrong with each destination",
        content: DestinationProbesSchema,
      },
    ],
    errors: [],
    handler: async ({ context, settings }) => {
      const localDevelopment = isLocalOrigin(settings.publicUrl ?? context.req.url);
      const probes = Object.entries(settings.destinations).map(async ([name, { type, prune }]) => ({
        name,
        type,
        prune,
        problem: await findProblem(context.env, settings, name, { localDevelopment }),
      }));
      return context.json({ destinations: await Promise.all(probes) });
    },
  }),
];

async function findProblem(
  env: AppEnv["Bindings"],
  settings: Settings,
  name: string,
  options: { localDevelopment: boolean },
): Promise<string | null> {
  try {
    const store = openDestination(env, settings, name, options);
    await callWithin(PROBE_MS_MAX, () => probeDestination(store, crypto.randomUUID()));
    return null;
  } catch (error) {
    if (error instanceof ExportError || error instanceof CallTimeout) return error.message;
    throw error;
  }
}
