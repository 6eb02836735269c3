import * as v from "valibot";

/** The answer of `GET /openapi.json`: the API's description (OpenAPI 3.1). */
export const DescriptionSchema = v.looseObject({ openapi: v.string() });
