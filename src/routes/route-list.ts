import { makeDescriptionRoute } from "./description.ts";
import { destinationRoutes } from "./destinations.ts";
import { downloadRoutes } from "./downloads.ts";
import { eventRoutes } from "./events.ts";
import { fleetMemberRoutes } from "./fleet-members.ts";
import { fleetRoutes } from "./fleets.ts";
import { healthRoutes } from "./health.ts";
import { jobListRoutes } from "./job-list.ts";
import { jobRoutes } from "./jobs.ts";
import { queryRoutes } from "./query.ts";
import { restoreRoutes } from "./restores.ts";
import type { Route } from "./route.ts";
import { sourceRoutes } from "./sources.ts";
import { streamRoutes } from "./streams.ts";
import { uploadRoutes } from "./uploads.ts";

/**
 * Every route of the API, in the order of its description. To add a resource, add a file and a line
 * here.
 */
export const ROUTES: readonly Route[] = [
  ...streamRoutes,
  ...jobRoutes,
  ...downloadRoutes,
  ...eventRoutes,
  ...jobListRoutes,
  ...fleetRoutes,
  ...fleetMemberRoutes,
  ...restoreRoutes,
  ...uploadRoutes,
  ...sourceRoutes,
  ...destinationRoutes,
  ...queryRoutes,
  makeDescriptionRoute(() => ROUTES),
  ...healthRoutes,
];
