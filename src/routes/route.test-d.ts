import { expectTypeOf } from "vitest";
import * as v from "valibot";

import type { TokenAccess } from "../api/token-access.ts";
import { bytesBody } from "./middleware/parse-input.ts";
import { JOB_ID } from "./parameters.ts";
import { type Route, route } from "./route.ts";

const description = {
  method: "POST",
  operationId: "startFleet",
  summary: "Start a fleet",
  answers: [{ status: 204, description: "Started" }],
  errors: [],
} as const;
const answer = (): Response => new Response();

// @ts-expect-error a route declares who may call it
route({ ...description, path: "/fleet", handler: answer });

// @ts-expect-error a route's access is one of the tokens', or `open`
route({ ...description, path: "/fleet", access: "everybody", handler: answer });

// @ts-expect-error only `route` makes a route
expectTypeOf({ ...description, path: "/fleet", access: "full", handler: answer }).toExtend<Route>();

route({
  ...description,
  path: "/fleet/:fleetId/jobs/:jobId",
  access: "job",
  params: { jobId: JOB_ID },
  query: v.strictObject({ limit: v.optional(v.pipe(v.string(), v.transform(Number)), "1") }),
  body: { schema: v.strictObject({ name: v.string() }), bytesMax: 1_000, isRequired: true },
  handler: ({ params, query, body, access }) => {
    expectTypeOf(params).toEqualTypeOf<Readonly<Record<"fleetId" | "jobId", string>>>();
    expectTypeOf(query).toEqualTypeOf<{ limit: number }>();
    expectTypeOf(body).toEqualTypeOf<{ name: string }>();
    expectTypeOf(access).toEqualTypeOf<TokenAccess>();
    return answer();
  },
});

route({
  ...description,
  path: "/fleet/:fleetId",
  access: "full",
  // @ts-expect-error the path has no such parameter
  params: { jobId: JOB_ID },
  handler: answer,
});

route({
  ...description,
  method: "PUT",
  path: "/parts/:number",
  access: "full",
  body: bytesBody(1_000),
  handler: ({ body }) => {
    expectTypeOf(body).toEqualTypeOf<Uint8Array<ArrayBuffer>>();
    return answer();
  },
});

route({
  ...description,
  path: "/open",
  access: "open",
  handler: (call) => {
    expectTypeOf(call.query).toEqualTypeOf<undefined>();
    expectTypeOf(call.body).toEqualTypeOf<undefined>();
    // @ts-expect-error the settings are not read for a call without a token
    return Response.json(call.settings);
  },
});
