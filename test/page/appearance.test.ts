import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";

import { ExportClient } from "../../src/client/export-client.ts";
import { findAxeFaults } from "../support/page/axe-faults.ts";
import { TOKENS } from "../support/page/backed-up-worker.ts";
import { launchBrowser, openTab, signIn } from "../support/page/browser.ts";

const { url, failedJobId } = inject("pageWorker");
let browser: Browser;
/** Each screen's address, and a heading that it has once it is complete. */
let screens: [string, string][];

beforeAll(async () => {
  browser = await launchBrowser();
  const client = new ExportClient({ url, token: TOKENS.full });
  const [restore] = (await client.listRestores()).jobs;
  const { jobs } = await client.list({ status: "completed", limit: 1 });
  screens = [
    ["#/", "Databases"],
    ["#/exports", "Exports"],
    [`#/exports/${failedJobId}`, "Details"],
    [`#/exports/${jobs[0]?.jobId}`, "Files"],
    ["#/restores", "Restores"],
    [`#/restores/${restore?.jobId}`, "Details"],
    ["#/databases/archive", "Exports"],
    ["#/databases/notes", "Newest backup"],
  ];
});

afterAll(() => browser.close());

async function visit(page: Page, [hash, heading]: [string, string]): Promise<void> {
  await page.goto(`${url}/${hash}`);
  await page.getByRole("heading", { name: heading, exact: true }).waitFor();
}

describe.each(["light", "dark"] as const)("in %s colors", (colorScheme) => {
  test("axe finds nothing on any screen or in any dialog", async () => {
    // The page's policy forbids axe's own way of measuring; nothing else is relaxed.
    const { page } = await openTab(browser, url, { colorScheme, bypassCSP: true });
    expect(await findAxeFaults(page), "sign in").toEqual([]);
    await signIn(page, TOKENS.full);
    for (const screen of screens) {
      await visit(page, screen);
      expect(await findAxeFaults(page), screen[0]).toEqual([]);
    }
    await visit(page, screens[3] ?? ["", ""]);
    for (const dialog of ["Restore", "Export again", "Delete"]) {
      await page.getByRole("main").getByRole("button", { name: dialog }).first().click();
      for (const summary of await page.getByRole("dialog").locator("summary").all()) {
        await summary.click();
      }
      expect(await findAxeFaults(page), dialog).toEqual([]);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
  });

  test("the page has the scheme's background", async () => {
    const { page } = await openTab(browser, url, { colorScheme });
    const color = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    expect(color).toBe(colorScheme === "light" ? "rgb(246, 247, 249)" : "rgb(15, 19, 25)");
  });
});

test("nothing is cut off from 360 to 1440 pixels", async () => {
  const { page, complaints } = await openTab(browser, url);
  await signIn(page, TOKENS.full);
  const button = page.getByRole("button", { name: "New export" });
  for (const width of [360, 390, 768, 1440]) {
    await page.setViewportSize({ width, height: 800 });
    for (const screen of screens) {
      await visit(page, screen);
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
      expect(wide, `${screen[0]} at ${width}`).toBeLessThanOrEqual(width);
    }
    await button.click();
    const box = await page.getByRole("dialog").boundingBox();
    if (box === null) throw new Error("the dialog has no box");
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(width);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  expect(complaints).toEqual([]);
});

test("everything is reached with the keyboard, and the focus follows the screens", async () => {
  const { page } = await openTab(browser, url);
  await page.keyboard.type(TOKENS.full);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Databases", exact: true }).waitFor();
  const focused = (): Promise<string> =>
    page.evaluate<string>("document.activeElement?.textContent.trim() ?? ''");
  /** Presses Tab until the focus is on what a person reads as `name`. */
  const tabTo = async (name: RegExp): Promise<void> => {
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press("Tab");
      if (name.test(await focused())) return;
    }
    throw new Error(`Tab does not reach ${name}`);
  };
  await tabTo(/^Skip to the content$/);
  await page.keyboard.press("Enter");
  expect(await page.evaluate<string>("document.activeElement?.id")).toBe("main");
  await tabTo(/^Show the failure$/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Export of notes" }).waitFor();
  await expect.poll(focused).toBe("Export of notes");
  await tabTo(/^Export again$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  // The browser keeps the focus in the dialog, and gives it back.
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press("Tab");
    const isInside = await page.evaluate<boolean>(
      "document.activeElement === document.body || document.activeElement?.closest('dialog') !== null",
    );
    expect(isInside).toBe(true);
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("motion ends for people who ask for less of it", async () => {
  const { page } = await openTab(browser, url, { reducedMotion: "reduce" });
  await signIn(page, TOKENS.full);
  const moving = await page.evaluate<number>("document.getAnimations().length");
  expect(moving).toBe(0);
});
