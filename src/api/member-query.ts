import * as v from "valibot";

import { MEMBER_STATES } from "./fleet-view.ts";
import { ListQuerySchema } from "./list-query.ts";
import { ObjectIdSchema, ObjectNameSchema } from "./source-config.ts";

/** The query of `GET /export/fleet/:fleetId/members`. */
export const MemberQuerySchema = v.strictObject({
  /** What the names begin with. */
  prefix: v.optional(v.pipe(v.string(), v.maxLength(1_000)), ""),
  status: v.optional(v.picklist(MEMBER_STATES)),
  limit: ListQuerySchema.entries.limit,
  cursor: ListQuerySchema.entries.cursor,
});

/** The query of `GET /export/fleet/:fleetId/download`: exactly one of the two. */
export const MemberChoiceSchema = v.strictObject({
  name: v.optional(ObjectNameSchema),
  id: v.optional(ObjectIdSchema),
});
