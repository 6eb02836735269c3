import * as v from "valibot";

import { NameRegistrySchema, REGISTRY_FORMS } from "./name-registry.ts";
import { ObjectNameSchema } from "./source-config.ts";

/** The most objects that one fleet backs up. */
export const FLEET_MEMBERS_MAX = 100_000;

/** The most bytes of UTF-8 that the names of a fleet have in total: a step holds all of them. */
export const FLEET_NAMES_BYTES_MAX = 16 * 1024 * 1024;

/** Which objects of a class a fleet backs up: a list of names, or a registry of them. */
export const FleetNamesSchema = v.union(
  [v.pipe(v.array(ObjectNameSchema), v.minLength(1), v.maxLength(10_000)), NameRegistrySchema],
  `expected a list of names, or ${REGISTRY_FORMS}`,
);

export type FleetNames = v.InferOutput<typeof FleetNamesSchema>;
