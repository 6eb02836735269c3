import { expect, test } from "vitest";

import { links, parseRoute } from "./route.ts";

test.each([
  ["", { screen: "overview" }],
  ["#/nonsense", { screen: "overview" }],
  [links.exports, { screen: "exports", status: "", database: "" }],
  [
    links.filtered({ status: "failed", database: "tenants/name/a%2Fb%20c" }),
    { screen: "exports", status: "failed", database: "tenants/name/a%2Fb%20c" },
  ],
  [links.export("an-id"), { screen: "export", jobId: "an-id" }],
  [links.restores, { screen: "restores" }],
  [links.restore("an-id"), { screen: "restore", jobId: "an-id" }],
  [links.database("tenants/name/a%3Fb"), { screen: "database", key: "tenants/name/a%3Fb" }],
] as const)("the address %s names its screen", (address, route) => {
  expect(parseRoute(address)).toEqual(route);
});
