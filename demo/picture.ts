/**
 * Draws docs/demo.svg from the output of `npm run demo`, line by line as it arrives, at four times
 * the speed.
 *
 * npm run demo:picture
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const FASTER = 4;
const LINE_PX = 20;
const CHARACTER_PX = 7.8;
const LABEL_CHARACTERS = 11;

const startMs = performance.now();
/** The printed lines, and their times in the picture. */
const lines: { text: string; seconds: number }[] = [{ text: "$ npm run demo", seconds: 0 }];
for await (const text of createInterface({ input: process.stdin })) {
  console.log(text);
  lines.push({ text, seconds: (performance.now() - startMs) / 1_000 / FASTER });
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const longest = Math.max(...lines.map(({ text }) => text.length));
const width = Math.ceil(longest * CHARACTER_PX) + 40;
const height = lines.length * LINE_PX + 40;
const drawn = lines.map(({ text, seconds }, at) => {
  const labelLength = text.startsWith("$") ? 1 : LABEL_CHARACTERS;
  const label = escaped(text.slice(0, labelLength));
  const rest = escaped(text.slice(labelLength));
  return (
    `<text x="20" y="${34 + at * LINE_PX}" style="animation-delay:${seconds.toFixed(2)}s">` +
    `<tspan fill="#79c0ff">${label}</tspan>${rest}</text>`
  );
});
writeFileSync(
  join(import.meta.dirname, "../docs/demo.svg"),
  `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" role="img">
<title>What npm run demo prints: it loads cities, exports, restores and compares them</title>
<!-- Real output, drawn by: npm run demo:picture -->
<style>
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #e6edf3; white-space: pre; animation: come .01s backwards }
@keyframes come { from { opacity: 0 } }
@media (prefers-reduced-motion) { text { animation: none } }
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${drawn.join("\n")}
</svg>
`,
);
