import { DescriptionSchema } from "../api/description.ts";
import { resolveAnswerOrigin } from "./links.ts";
import { describeApi } from "./openapi/openapi-document.ts";
import { type Route, route } from "./route.ts";

/**
 * `GET /openapi.json`: the description of the routes that `listRoutes` returns. They are listed
 * anew for each call, because this route is one of them.
 */
export function makeDescriptionRoute(listRoutes: () => readonly Route[]): Route {
  return route({
    method: "GET",
    path: "/openapi.json",
    operationId: "getDescription",
    summary: "Read this description",
    access: "read",
    answers: [{ status: 200, description: "OpenAPI 3.1", content: DescriptionSchema }],
    errors: [],
    handler: (call) => call.context.json(describeApi(listRoutes(), resolveAnswerOrigin(call))),
  });
}
