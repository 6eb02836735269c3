import { HealthSchema } from "../api/health.ts";
import { route } from "./route.ts";

/** `GET /health`: answers without a token, regardless of the settings. */
export const healthRoutes = [
  route({
    method: "GET",
    path: "/health",
    operationId: "getHealth",
    summary: "Liveness check",
    access: "open",
    answers: [{ status: 200, description: "The Worker runs", content: HealthSchema }],
    errors: [],
    handler: ({ context }) => context.json({ status: "ok" }),
  }),
];
