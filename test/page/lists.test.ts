import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";

import { MARKUP, TOKENS } from "../support/page/backed-up-worker.ts";
import { launchBrowser, openTab, signIn, type Tab } from "../support/page/browser.ts";

const { url, mountedUrl, archivedJobs } = inject("pageWorker");

let browser: Browser;
/** One signed-in tab for all tests that only look. Its address's fragment changes without a reload. */
let tab: Tab;

beforeAll(async () => {
  browser = await launchBrowser();
  tab = await openTab(browser, url);
  await signIn(tab.page, TOKENS.read);
});

afterAll(() => browser.close());

async function open(path = "#/"): Promise<Tab> {
  await tab.page.goto(`${url}/${path}`);
  return tab;
}

/** Waits until the page has read its first thousand exports. */
async function loaded(page: Page): Promise<void> {
  await page.getByText("1,000 exports loaded").waitFor();
}

test("the first screen names the database that needs attention, and what to do", async () => {
  const { page } = await open();
  const verdict = page.getByRole("region", { name: "1 of 4 databases needs attention" });
  await verdict.waitFor();
  const text = await verdict.textContent();
  expect(text).toContain("The newest export failed");
  expect(text).toContain('no table or view matches "gone"');
  expect(text).toContain("Use exact names or *");
  await verdict.getByRole("link", { name: "Show the failure" }).click();
  await page.getByRole("heading", { name: "Export of notes" }).waitFor();
});

test("the first screen lists each database, worst first, with its newest backup", async () => {
  const { page } = await open();
  const table = page.getByRole("region", { name: "Databases", exact: true }).getByRole("table");
  await table.waitFor();
  const rows = await table.locator("tbody th").allTextContents();
  expect(rows).toEqual(["notes", "archive", "main", `tenants / ${MARKUP}`, "copy"]);
  const archive = table.getByRole("row").filter({ hasText: "archive" });
  const time = archive.locator("time");
  expect(await time.textContent()).toMatch(/^\d+ h ago$/);
  expect(await time.getAttribute("title")).toMatch(/^\w{3} \d+, 2\d{3}.* UTC$/);
  const size = archive.locator("td.number data").first();
  expect(await size.textContent()).toBe("389 B");
  expect(await size.getAttribute("title")).toBe("389 bytes");
});

test("names of tables and objects are shown as text, and never run", async () => {
  const { page, complaints } = await open("#/exports?database=notes&status=completed");
  await loaded(page);
  await page.getByText(/^\d of 1,000 exports loaded/).waitFor();
  await page.getByRole("table").getByRole("link").first().click();
  await page.getByRole("heading", { name: "Tables" }).waitFor();
  await page.getByRole("rowheader", { name: MARKUP, exact: true }).waitFor();
  await page.goto(`${url}/#/exports`);
  await page.getByRole("link", { name: `tenants / ${MARKUP}` }).waitFor();
  expect(await page.locator("img").count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("a list of more than a thousand exports is loaded, filtered and paged", async () => {
  const { page } = await open("#/exports");
  await loaded(page);
  expect(await page.getByRole("table").locator("tbody tr").count()).toBe(50);
  await page.getByText("1 to 50 of 1,000 exports").waitFor();
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByText("51 to 100 of 1,000 exports").waitFor();
  await page.getByRole("button", { name: "Load 1,000 older exports" }).click();
  await page.getByText(/1,0\d\d exports loaded/).waitFor();
  await page.getByLabel("State").selectOption("failed");
  await expect.poll(() => page.getByRole("table").locator("tbody tr").count()).toBe(1);
  expect(new URL(page.url()).hash).toBe("#/exports?status=failed");
  await page.getByLabel("State").selectOption("");
  await page.getByLabel("Database").selectOption("archive");
  await page
    .getByText(new RegExp(`of ${archivedJobs.toLocaleString("en")} exports`))
    .first()
    .waitFor();
  await page.goBack();
  await page.goBack();
  await expect.poll(() => page.getByLabel("State").inputValue()).toBe("failed");
  await page.getByLabel("Database").selectOption("archive");
  await page.getByText("No loaded export matches.").waitFor();
});

test("a database's charts have axes with units, and the values as a table", async () => {
  const { page } = await open("#/databases/archive");
  const chart = page.getByRole("img", { name: /^Size: from 389 B to 389 B/ });
  await chart.waitFor();
  const labels = (): Promise<string[]> => chart.locator("text").allTextContents();
  expect(await labels()).toEqual(expect.arrayContaining(["0 B", "400 B"]));
  // Once the older exports are loaded, the axis spans days.
  await expect.poll(labels).toContainEqual(expect.stringMatching(/^[A-Z][a-z]{2} \d+$/));
  await page.getByText("Values of “Size” as a table").click();
  await page.getByRole("cell", { name: "389 bytes" }).first().waitFor();
  await chart.hover();
  await page.locator(".tip").waitFor();
});

test("a chart without values says so", async () => {
  const { page } = await open("#/databases/copy");
  await page.getByText("No completed export yet.").first().waitFor();
  await page.getByText("It was never exported.").waitFor();
});

test("without a network the page keeps what it knows, says how old it is, and recovers", async () => {
  const { page } = await open();
  await page.getByRole("heading", { name: "Databases", exact: true }).waitFor();
  await page.context().setOffline(true);
  await page.getByText("The Worker cannot be reached.").waitFor();
  await page.getByText("What you see was read").waitFor();
  await page.getByRole("heading", { name: "Databases", exact: true }).waitFor();
  await page.context().setOffline(false);
  await page.getByText("The Worker cannot be reached.").waitFor({ state: "detached" });
});

test("a job that does not exist is reported with a way on", async () => {
  const { page } = await open("#/exports/00000000-0000-4000-8000-000000000000");
  const alert = page.getByRole("alert");
  await alert.waitFor();
  expect(await alert.textContent()).toContain("job-not-found");
  expect(await alert.textContent()).toContain("GET /export/jobs lists the jobs");
});

test("a mounted app serves the page below its mount point, and a new one says what to do first", async () => {
  const { page, complaints, requested } = await openTab(browser, mountedUrl);
  await signIn(page, TOKENS.full);
  for (const address of [mountedUrl, `${mountedUrl}/`]) {
    await page.goto(address);
    await page.getByText("Nothing is backed up yet").waitFor();
    await page.goto(`${address}#/exports`);
    await page.getByText("There is no export yet.").waitFor();
    await page.goto(`${address}#/restores`);
    await page.getByText("There is no restore yet.").waitFor();
    expect(
      requested
        .filter((each) => each.includes("/export/"))
        .every((each) => each.startsWith(`${mountedUrl}/export/`)),
    ).toBe(true);
    expect(complaints).toEqual([]);
  }
});
