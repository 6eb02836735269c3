import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const tokens = readFileSync(join(import.meta.dirname, "tokens.css"), "utf8");

/** Each color's role, with its light and its dark value. */
const COLORS = new Map(
  [...tokens.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(
    ([, name = "", light = "", dark = ""]) => [name, { light, dark }],
  ),
);

/** Text, and everything that it stands on. WCAG 2.2 level AA asks for 4.5. */
const TEXTS: [string, string[]][] = [
  ["ink", ["page", "surface", "raised", "ok-tint", "warn-tint", "bad-tint", "info-tint"]],
  ["muted", ["page", "surface", "raised", "ok-tint", "warn-tint", "bad-tint", "info-tint"]],
  ["accent", ["page", "surface", "raised", "warn-tint", "bad-tint"]],
  ["on-accent", ["accent"]],
  ["ok", ["ok-tint"]],
  ["warn", ["warn-tint"]],
  ["bad", ["bad-tint", "surface", "page"]],
  ["info", ["info-tint"]],
  ["surface", ["bad"]],
  ["page", ["ink"]],
];

/** What shows the border of a control or a line of a chart. Level AA asks for 3. */
const SHAPES: [string, string[]][] = [
  ["control", ["page", "surface"]],
  ["accent", ["surface", "raised"]],
];

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dim = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dim + 0.05);
}

test("contrast is computed as WCAG defines it", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
});

describe.each(["light", "dark"] as const)("in %s colors", (scheme) => {
  test.each([
    ...TEXTS.flatMap(([text, grounds]) => grounds.map((ground) => [text, ground, 4.5] as const)),
    ...SHAPES.flatMap(([shape, grounds]) => grounds.map((ground) => [shape, ground, 3] as const)),
  ])("%s on %s has a contrast of at least %d", (front, ground, least) => {
    const color = (name: string): string => COLORS.get(name)?.[scheme] ?? `no color ${name}`;
    expect(contrast(color(front), color(ground))).toBeGreaterThanOrEqual(least);
  });
});
