import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { ExportClient } from "../../src/client/export-client.ts";
import { findAxeFaults } from "../support/page/axe-faults.ts";
import {
  type BackedUpWorker,
  copied,
  exported,
  MARKUP,
  startEmptyWorker,
  TOKENS,
} from "../support/page/backed-up-worker.ts";
import { launchBrowser, openTab, signIn } from "../support/page/browser.ts";
import { type Destination, startDestination } from "../support/page/destination.ts";

const MEMBERS = ["acme", "acme-labs", "globex", MARKUP];

let destination: Destination;
let worker: BackedUpWorker;
let client: ExportClient;
let url: string;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  destination = await startDestination();
  worker = await startEmptyWorker(destination.vars);
  ({ client, url } = worker);
  await client.transaction([
    { sql: "CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT)" },
    { sql: "INSERT INTO note(text) VALUES ('one'), ('two')" },
  ]);
  const { jobId } = await exported(client, { source: "main" });
  for (const name of MEMBERS) await copied(client, jobId, { target: "tenants", name });
  browser = await launchBrowser();
  ({ page, complaints } = await openTab(browser, url));
  await signIn(page, TOKENS.full);
});

afterAll(async () => {
  await browser.close();
  await worker.stop();
  await destination.stop();
});

test("a fleet is started, and reaches its end without a reload", async () => {
  await page.getByRole("navigation", { name: "Screens" }).getByText("Fleets").click();
  await page.getByText("There is no fleet yet.").waitFor();
  await page.getByRole("button", { name: "New fleet" }).click();
  await page.getByRole("combobox", { name: "Objects of" }).selectOption("tenants");
  await page.getByLabel("Only these objects").fill(`${MEMBERS.join(", ")}, nobody`);
  await page.getByRole("button", { name: "Start fleet" }).click();
  await page.getByRole("heading", { name: "Fleet of tenants" }).waitFor();
  await page.locator(".heading").getByText("Completed").waitFor();
  const rows = page.getByRole("region", { name: "Objects" }).locator("tbody th");
  await expect
    .poll(() => rows.allTextContents())
    .toEqual([MARKUP, ...MEMBERS.slice(0, 3), "nobody"]);
});

test("objects are found by the beginning of their names, and by state", async () => {
  const search = page.getByRole("region", { name: "Objects" });
  const rows = search.locator("tbody th");
  await search.getByLabel("Name begins with").fill("acme");
  await expect.poll(() => rows.allTextContents()).toEqual(["acme", "acme-labs"]);
  await search.getByLabel("Name begins with").fill("none");
  await page.getByText("No object of this fleet matches.").waitFor();
  await search.getByLabel("Name begins with").fill("");
  await search.getByLabel("State").selectOption("empty");
  await expect.poll(() => rows.allTextContents()).toEqual(["nobody"]);
  await search.getByLabel("State").selectOption("");
});

test("the dump of one object is downloaded", async () => {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download globex" }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^tenants-globex-\d{8}T\d{6}Z\.sql\.gz$/);
  expect(readFileSync(await download.path()).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
});

test("the first screen counts the fleet instead of its source", async () => {
  await page.goto(`${url}/#/`);
  const row = page.getByRole("region", { name: "Fleets" }).getByRole("row", { name: "tenants" });
  await row.getByText("Backed up").waitFor();
  expect(await row.textContent()).toContain("5 of 5");
  // The fleet, and the export of main.
  const { fleets } = await client.listFleets();
  const main = (await client.list()).jobs.find(({ source }) => source === "main");
  const bytes = (fleets[0]?.progress.bytes ?? 0) + (main?.artifacts[0]?.bytes ?? 0);
  const total = page.locator("dl.totals > div").filter({ hasText: "Newest backups, together" });
  expect(await total.locator("data").getAttribute("value")).toBe(String(bytes));
  const databases = page.getByRole("region", { name: "Databases", exact: true });
  const labels = await databases.locator("tbody th").allTextContents();
  expect(labels.toSorted()).toEqual(["archive", "copy", "main", "notes"]);
  await page.getByText("All 2 databases and fleets are backed up").waitFor();
});

describe.each(["light", "dark"] as const)("in %s colors", (colorScheme) => {
  test("axe finds nothing on the screens of fleets, and they fit a telephone", async () => {
    const { page: tab } = await openTab(browser, url, { colorScheme, bypassCSP: true });
    await tab.setViewportSize({ width: 390, height: 844 });
    await signIn(tab, TOKENS.read);
    const check = async (): Promise<void> => {
      expect(await findAxeFaults(tab)).toEqual([]);
      const tooWide = await tab.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      expect(tooWide).toBe(0);
    };
    await tab.getByRole("region", { name: "Fleets" }).waitFor();
    await check();
    await tab.goto(`${url}/#/fleets`);
    await tab.getByRole("heading", { name: "Fleets" }).waitFor();
    await check();
    await tab.getByRole("main").getByRole("link", { name: "tenants" }).click();
    await tab.getByRole("button", { name: "Download globex" }).waitFor();
    await check();
    expect(await tab.getByRole("button", { name: "Delete" }).count()).toBe(0);
    await tab.context().close();
  });
});

test("a fleet is deleted only if its source's name is typed", async () => {
  await page.goto(`${url}/#/fleets`);
  await page.getByRole("main").getByRole("link", { name: "tenants" }).click();
  // A request that is under way when the fleet is deleted would be a 404 in the console.
  await page.getByRole("button", { name: "Download globex" }).waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  const confirm = page.getByRole("button", { name: "Delete for good" });
  expect(await confirm.isDisabled()).toBe(true);
  await page.getByLabel(/^Type tenants to confirm/).fill("tenants");
  await confirm.click();
  await page.getByText("There is no fleet yet.").waitFor();
  expect((await client.listFleets()).fleets).toEqual([]);
});

test("a fleet shows its masked columns, its copies, and what keeps it in its series", async () => {
  const { fleetId } = await client.startFleet({
    source: "tenants",
    names: ["acme"],
    mask: { note: { text: "length" } },
    copyTo: ["offsite"],
    series: "nightly",
    retention: { keepLast: 2 },
  });
  const { copies } = await client.waitForFleet(fleetId);
  await page.goto(`${url}/#/fleets/${fleetId}`);
  const facts = page.locator("section", { has: page.getByRole("heading", { name: "Details" }) });
  await expect
    .poll(() => facts.textContent())
    .toMatch(
      /Maskednote\.text \(length\)Copiesoffsite: copied, [\d.]+ k?B folderSeries nightlynewest, keepLast/,
    );
  expect(await page.getByTitle(copies[0]?.folder ?? "").textContent()).toBe("folder");
});

test("nothing was written to the console on the way", () => {
  expect(complaints).toEqual([]);
});
