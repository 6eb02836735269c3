import * as v from "valibot";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Sha256Schema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** The position of one object's dump in a pack, and what the dump is. */
const PackMemberSchema = v.strictObject({
  /** The object's name, or its id if the fleet names objects by their ids. */
  member: v.string(),
  /** The first byte of the member's file in the pack. */
  offset: Count,
  /** The length of the member's file, which is whole: a script, or a script that is compressed. */
  bytes: Count,
  /** Of the member's file. */
  sha256: Sha256Schema,
  rows: Count,
  /** The instant that the dump shows. */
  snapshotAt: v.string(),
});

/**
 * The index of a pack, stored next to it as JSON. The members are sorted by the UTF-8 bytes of `member`, and their files
 * follow one another in the same order.
 */
export const PackIndexSchema = v.strictObject({
  version: v.literal(1),
  generator: v.string(),
  fleetId: v.string(),
  source: v.string(),
  /** How members are named: by the names or by the ids of Durable Objects. */
  namedBy: v.picklist(["name", "id"]),
  contentType: v.string(),
  /** The pack's size, and the SHA-256 of all its bytes. */
  bytes: Count,
  sha256: Sha256Schema,
  members: v.array(PackMemberSchema),
});

export type PackIndex = v.InferOutput<typeof PackIndexSchema>;
export type PackMember = v.InferOutput<typeof PackMemberSchema>;
