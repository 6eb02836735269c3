import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

import { DOC_PAGES, readPage } from "../support/doc-blocks.ts";

const REPOSITORY = join(import.meta.dirname, "../..");

/** A heading as GitHub's links name it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");

test.each(DOC_PAGES)("%s leads nowhere that is not there", (page) => {
  const links = [...readPage(page).matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm)].map(
    ([, inline, reference]) => inline ?? reference ?? "",
  );
  const broken = links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(REPOSITORY, target))) return true;
      if (anchor === undefined) return false;
      const headings = [...readPage(target).matchAll(/^#+ (.*)$/gm)];
      return !headings.some(([, heading = ""]) => anchorOf(heading) === anchor);
    });
  expect(broken).toEqual([]);
});
