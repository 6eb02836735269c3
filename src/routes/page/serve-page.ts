import type { MiddlewareHandler } from "hono";

import { isPageOn } from "../../config/page-setting.ts";
import type { AppEnv } from "../app-env.ts";
import { PAGE } from "./built-page.ts";

/**
 * The page's policy: it runs and shows only what was built with it, and calls only its own Worker. No text can become
 * markup or script, because no code may write HTML.
 */
const POLICY = [
  "default-src 'none'",
  `script-src '${PAGE.scriptHash}'`,
  `style-src '${PAGE.styleHash}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/**
 * `GET /`: the page, one document with its script and styles. It contains no secret and needs no token: the browser
 * asks for one. If `EXPORT_PAGE` is `off`, the call is treated as any other unknown route.
 */
export function servePage(): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    if (!isPageOn(context.env)) return next();
    const headers = {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": POLICY,
      "cross-origin-opener-policy": "same-origin",
      "cache-control": "no-cache",
      etag: PAGE.etag,
    };
    const known = context.req.header("if-none-match") ?? "";
    // A proxy that compresses the page marks its tag as weak.
    const isKnown = known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === PAGE.etag);
    return isKnown ? context.body(null, 304, headers) : context.body(PAGE.html, 200, headers);
  };
}
