import * as fc from "fast-check";
import { expect, test } from "vitest";

import { nameArtifacts } from "./artifact-name.ts";

test("names a file for its table, and encodes what no file or URL should hold", () => {
  expect(
    nameArtifacts([
      "users",
      "order lines",
      "../etc/passwd",
      ".hidden",
      "a.b",
      "a.",
      "ä",
      "",
      "100%",
    ]),
  ).toEqual([
    "users",
    "order%20lines",
    "%2E.%2Fetc%2Fpasswd",
    "%2Ehidden",
    "a.b",
    "a.~",
    "%C3%A4",
    "~",
    "100%25",
  ]);
});

test("encodes the first letter of a name that Windows takes for a device", () => {
  const devices = ["CON", "nul", "Aux.notes", "prn.", "COM1", "lpt9.a.b"];
  expect(nameArtifacts(devices)).toEqual([
    "%43ON",
    "%6Eul",
    "%41ux.notes",
    "%70rn.~",
    "%43OM1",
    "%6Cpt9.a.b",
  ]);
  expect(nameArtifacts(["CONS", "com", "COM10", "a.con", "nul_"])).toEqual([
    "CONS",
    "com",
    "COM10",
    "a.con",
    "nul_",
  ]);
});

test("tells names apart that are equal but for their case or their end, and from the manifest's", () => {
  const long = "x".repeat(200);
  expect(nameArtifacts(["a", "A", `${long}1`, `${long}2`, "Manifest"])).toEqual([
    "a",
    "A~2",
    `${"x".repeat(100)}~`,
    `${"x".repeat(100)}~~2`,
    "Manifest~2",
  ]);
});

test("gives every table a name of its own that is safe everywhere", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ unit: "grapheme" }), { maxLength: 30 }), (tables) => {
      const names = nameArtifacts(tables);
      expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(tables.length);
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_~%-][A-Za-z0-9_.~%-]{0,110}$/);
    }),
  );
});
