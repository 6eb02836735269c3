import { ExportError } from "../api/errors.ts";

/**
 * Returns the binding of a name. `isExpected` recognizes the kind of binding that `expected`
 * describes. Errors: `configuration-invalid` if the binding is missing or of another kind.
 */
export function getBinding<T extends object>(
  env: object,
  binding: string,
  { expected, isExpected }: { expected: string; isExpected: (value: object) => value is T },
): T {
  const value = Object.hasOwn(env, binding) ? (env as Record<string, unknown>)[binding] : undefined;
  if (typeof value === "object" && value !== null && isExpected(value)) return value;
  const problem =
    value === undefined
      ? `binding ${binding} is missing: add it to wrangler.jsonc as ${expected}, or correct EXPORT_SOURCES`
      : `binding ${binding} is not ${expected}: correct it in wrangler.jsonc or in EXPORT_SOURCES`;
  throw new ExportError("configuration-invalid", problem);
}
