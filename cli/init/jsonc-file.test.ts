import { expect, test } from "vitest";

import { JsoncFile } from "./jsonc-file.ts";

function edit(text: string, change: (file: JsoncFile) => void): string {
  const file = new JsoncFile(text, "wrangler.jsonc");
  change(file);
  return file.text;
}

test("a value goes behind the last one, and comments stay with what they describe", () => {
  const text = `// First.
{
  "name": "app", // The name.
  /* The vars. */
  "vars": {
    "A": "1" // One.
    // Nothing follows.
  }
  // The end.
}
`;
  const edited = edit(text, (file) => {
    file.set(["vars", "B"], { c: [1, true, null] });
    file.append(["list"], "x");
    file.append(["list"], "y");
  });
  expect(edited).toBe(`// First.
{
  "name": "app", // The name.
  /* The vars. */
  "vars": {
    "A": "1", // One.
    // Nothing follows.
    "B": { "c": [1, true, null] }
  },
  // The end.
  "list": ["x", "y"]
}
`);
});

test("trailing commas, tabs and line ends of Windows stay as they are", () => {
  const text = '{\r\n\t"list": [\r\n\t\t1, // "one",\r\n\t],\r\n}\r\n';
  const edited = edit(text, (file) => {
    file.append(["list"], 2);
    file.set(["a", "b"], "c");
  });
  expect(edited).toBe(
    '{\r\n\t"list": [\r\n\t\t1, // "one",\r\n\t\t2,\r\n\t],\r\n\t"a": { "b": "c" },\r\n}\r\n',
  );
});

test.each([
  ["{}", '{ "a": 1 }'],
  ["{ /* empty */ }", '{ /* empty */ \n  "a": 1\n}'],
  ['{"x":"//"}', '{"x":"//"\n,  "a": 1\n}'],
  ["\uFEFF{\n}\n", '\uFEFF{\n  "a": 1\n}\n'],
  ['{ "x": [] }', '{ "x": [], "a": 1 }'],
])("%j gets a property", (text, expected) => {
  const edited = edit(text, (file) => file.set(["a"], 1));
  expect(new JsoncFile(edited, "edited").value).toMatchObject({ a: 1 });
  expect(edited.replaceAll(/\s/g, "")).toBe(expected.replaceAll(/\s/g, ""));
});

test("values that are too long for a line are broken", () => {
  const edited = edit("{\n}\n", (file) => file.set(["list"], ["x".repeat(60), "y".repeat(60)]));
  expect(edited).toBe(
    `{\n  "list": [\n    "${"x".repeat(60)}",\n    "${"y".repeat(60)}"\n  ]\n}\n`,
  );
});

test.each([
  ['{\n  "a": 1,\n  "b" 2\n}', /ColonExpected at line 3, column 7/],
  ["{", /CloseBraceExpected at line 1, column 2/],
  ["", /not valid JSONC/],
  ["[]", /is not a JSON object/],
  ["null", /is not a JSON object/],
])("%j is refused with its place", (text, message) => {
  expect(() => new JsoncFile(text, "wrangler.jsonc")).toThrow(message);
});

test("a list is not added to what is none", () => {
  const text = '{ "list": {} }';
  expect(() => edit(text, (file) => file.append(["list"], 1))).toThrow("list is not an array");
});
