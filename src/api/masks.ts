import * as v from "valibot";

/** The most characters of a template or a value. */
const TEXT_CHARS_MAX = 1_000;

const TextSchema = v.pipe(
  v.string(),
  v.maxLength(TEXT_CHARS_MAX),
  v.check((text) => !text.includes("\0"), "must not contain NUL"),
  v.check((text) => text.isWellFormed(), "must be valid Unicode"),
);

/** JavaScript reads larger integers as other ones. */
const NumberSchema = v.pipe(
  v.number(),
  v.check(
    (number) => !Number.isInteger(number) || Number.isSafeInteger(number),
    "integers are exact only up to 9007199254740991",
  ),
);

const MaskSchema = v.union([
  v.picklist(["null", "length"]),
  v.strictObject({
    template: v.pipe(
      TextSchema,
      v.description(
        "Text in which `{rowid}` and names of unmasked columns stand for their values.",
      ),
    ),
  }),
  v.strictObject({ value: v.union([TextSchema, NumberSchema]) }),
]);

/** What replaces a column's values. */
export type Mask = v.InferOutput<typeof MaskSchema>;

/** How a mask replaces values. */
export const MASK_KINDS = ["template", "null", "length", "value"] as const;

export type MaskKind = (typeof MASK_KINDS)[number];

/** Names that Valibot drops from objects: a mask of such a column would have no effect. */
const DROPPED_NAMES = ["__proto__", "prototype", "constructor"];

/** True if `input` names no table or column that `v.record` would drop. */
function keepsAllNames(input: unknown): boolean {
  if (typeof input !== "object" || input === null) return true;
  return [input, ...Object.values(input)].every(
    (level) =>
      typeof level !== "object" ||
      level === null ||
      !DROPPED_NAMES.some((name) => Object.hasOwn(level, name)),
  );
}

/** Masks by table and column. docs/masks.md describes them. */
export const MasksSchema = v.intersect([
  v.record(v.string(), v.record(v.string(), MaskSchema)),
  v.pipe(
    v.unknown(),
    v.description("No table or column may have a name that JavaScript reserves."),
    v.check(
      keepsAllNames,
      `tables and columns called ${DROPPED_NAMES.join(", ")} cannot be masked`,
    ),
  ),
]) as v.GenericSchema<MasksInput, Masks>;

/** Masks by table and column, as they are sent. */
type MasksInput = Record<string, Record<string, Mask>>;

/** Masks by table and column. */
export type Masks = Record<string, Record<string, Mask>>;

/** A masked column as job views and manifests list it. */
export const MaskedColumnSchema = v.strictObject({
  table: v.string(),
  column: v.string(),
  /** `template`, `null`, `length` or `value`. */
  kind: v.picklist(MASK_KINDS),
});

export type MaskedColumn = v.InferOutput<typeof MaskedColumnSchema>;

/** Returns how a mask replaces values. */
export function findMaskKind(mask: Mask): MaskKind {
  if (typeof mask === "string") return mask;
  return "template" in mask ? "template" : "value";
}

/** Returns the columns of `masks` in its order, without templates and values. */
export function listMaskedColumns(masks: Masks = {}): MaskedColumn[] {
  return Object.entries(masks).flatMap(([table, columns]) =>
    Object.entries(columns).map(([column, mask]) => ({
      table,
      column,
      kind: findMaskKind(mask),
    })),
  );
}
