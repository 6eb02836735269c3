import { expect, test } from "vitest";

import { isLocalId, localIdFromName } from "./local-object-id.ts";

test.each([
  // Names of files that workerd 1.20261102 made.
  [
    "miniflare-R2BucketObject",
    "durable-export",
    "bf03a7fee060620a9114e4efdde579a4d23b08e61bd35e6f04672a4e805b0928",
  ],
  [
    "durable-export-Database",
    "copy",
    "a87438ce63d0c0c23d280d7561a6bd0005984f6def8ba6d75b81c70f39b12c94",
  ],
])("derives the id of %s %s as the local runtime does", (uniqueKey, name, id) => {
  expect(localIdFromName(uniqueKey, name)).toBe(id);
  expect(isLocalId(uniqueKey, id)).toBe(true);
  expect(isLocalId(uniqueKey, id.toUpperCase())).toBe(true);
});

test.each(["a87438ce63d0c0c23d280d7561a6bd00".padEnd(64, "0"), "", "x"])(
  "knows that %j is an id of another namespace",
  (id) => {
    expect(isLocalId("durable-export-Database", id)).toBe(false);
  },
);
