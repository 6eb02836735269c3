import { HealthSchema } from "../api/health.ts";
import { route } from "./route.ts";

/** `GET /health`: answers without a token, whatever the settings are. */
export const healthRoutes = [
  route({
    method: "GET",
    path: "/health",
    operationId: "getHealth",
    summary: "Tell that the Worker is alive",
    access: "open",
    answers: [{ status: 200, description: "It is", content: HealthSchema }],
    errors: [],
    handler: ({ context }) => context.json({ status: "ok" }),
  }),
];
