import * as v from "valibot";

import { onceForEach } from "../lib/once-for-each.ts";

const isOrigin = (text: string): boolean => URL.parse(text)?.origin === text;

/** `EXPORT_CORS_ORIGINS`: origins such as `https://admin.example.com`, separated by commas. */
export const CorsOriginsSchema = v.pipe(
  v.string("expected origins, separated by commas"),
  v.transform((text) =>
    text
      .split(",")
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ""),
  ),
  v.check(
    (origins) => origins.every(isOrigin),
    "expected origins such as https://admin.example.com, separated by commas",
  ),
);

/** Returns the origins whose pages may call the API; none if the variable is missing or invalid. */
export const allowedOrigins = onceForEach((env): string[] => {
  const parsed = v.safeParse(
    CorsOriginsSchema,
    (env as { EXPORT_CORS_ORIGINS?: unknown }).EXPORT_CORS_ORIGINS,
  );
  return parsed.success ? parsed.output : [];
});
