import * as v from "valibot";

import { JOB_STATES } from "../src/api/job-state.ts";
import { CopiesSchema, MaskedSchema, RetentionSchema } from "./answers.ts";

/** The parts of the Worker's answers about fleets that this program reads; see answers.ts. */

const Count = v.optional(v.nullable(v.number()), null);

export const FleetSchema = v.looseObject({
  kind: v.literal("fleet"),
  fleetId: v.string(),
  status: v.picklist(JOB_STATES),
  queuePosition: Count,
  source: v.string(),
  compression: v.string(),
  content: v.optional(v.string(), "all"),
  createdAt: v.string(),
  startedAt: v.optional(v.nullable(v.string()), null),
  completedAt: v.optional(v.nullable(v.string()), null),
  expiresAt: v.optional(v.nullable(v.string()), null),
  retention: RetentionSchema,
  members: v.looseObject({
    total: Count,
    packed: v.number(),
    exported: v.number(),
    empty: v.number(),
    failed: v.number(),
    pending: Count,
  }),
  progress: v.looseObject({ percent: Count, rows: v.number(), bytes: v.number() }),
  packs: v.array(v.looseObject({ number: v.number() })),
  masked: MaskedSchema,
  copies: CopiesSchema,
  failures: v.array(v.looseObject({ member: v.string(), code: v.string(), message: v.string() })),
  warnings: v.optional(v.array(v.string()), []),
  error: v.optional(
    v.nullable(
      v.looseObject({ code: v.string(), message: v.string(), hint: v.optional(v.string()) }),
    ),
    null,
  ),
});

export type Fleet = v.InferOutput<typeof FleetSchema>;

export const FleetListSchema = v.looseObject({
  fleets: v.array(FleetSchema),
  cursor: v.nullable(v.string()),
});

export const MemberPageSchema = v.looseObject({
  members: v.array(
    v.looseObject({
      member: v.string(),
      status: v.string(),
      bytes: Count,
      rows: Count,
      jobId: v.optional(v.nullable(v.string()), null),
      error: v.optional(v.nullable(v.looseObject({ code: v.string(), message: v.string() })), null),
    }),
  ),
  cursor: v.nullable(v.string()),
});

export type Member = v.InferOutput<typeof MemberPageSchema>["members"][number];
