import * as v from "valibot";

import { onceForEach } from "../lib/once-for-each.ts";

/** `EXPORT_PAGE`: whether the Worker serves the page. */
export const PageSettingSchema = v.optional(
  v.picklist(["on", "off"], "expected `on` or `off`"),
  "on",
);

/** True if the Worker serves the page; false if `EXPORT_PAGE` is `off` or invalid. */
export const isPageOn = onceForEach((env): boolean => {
  const { EXPORT_PAGE } = env as { EXPORT_PAGE?: unknown };
  const parsed = v.safeParse(PageSettingSchema, EXPORT_PAGE);
  return parsed.success && parsed.output === "on";
});
