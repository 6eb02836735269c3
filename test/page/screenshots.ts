/**
 * Takes the pictures of the page in docs/images from a Worker with a history: real exports and restores, whose times
 * are moved into the past. With `--all FOLDER` it takes every screen instead, at three widths, light and dark.
 *
 * npm run screenshots
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser, Page } from "playwright-core";

import { TOKENS } from "../support/page/backed-up-worker.ts";
import { launchBrowser, openTab, signIn } from "../support/page/browser.ts";
import { type ShopWorker, startShopWorker } from "../support/page/shop-worker.ts";

const IMAGES = join(import.meta.dirname, "../../docs/images");
const WIDTHS = [390, 768, 1440] as const;
const SCHEMES = ["light", "dark"] as const;

/** A screen's address, a text that it shows once it is complete, and what is pressed then. */
interface Shot {
  name: string;
  hash: string;
  shown: string;
  press?: readonly string[];
}

const { values } = parseArgs({ options: { all: { type: "string" } } });
const worker = await startShopWorker();
const browser = await launchBrowser();
try {
  if (values.all === undefined) await takePictures(browser, worker);
  else await takeAll(browser, worker, values.all);
} finally {
  await browser.close();
  await worker.stop();
}

function listShots(jobs: ShopWorker["jobs"]): Shot[] {
  return [
    { name: "overview", hash: "#/", shown: "Databases" },
    { name: "exports", hash: "#/exports", shown: "Exports" },
    { name: "database", hash: "#/databases/shop", shown: "Newest backup" },
    { name: "export", hash: `#/exports/${jobs.proved}`, shown: "Files" },
    { name: "failed", hash: `#/exports/${jobs.failed}`, shown: "Details" },
    { name: "restores", hash: "#/restores", shown: "Restores" },
    { name: "restore", hash: `#/restores/${jobs.restore}`, shown: "Details" },
    { name: "start", hash: "#/", shown: "Databases", press: ["New export", "More options"] },
    {
      name: "replace",
      hash: `#/exports/${jobs.proved}`,
      shown: "Files",
      press: ["Restore", "Replace everything"],
    },
    { name: "delete", hash: `#/exports/${jobs.last}`, shown: "Files", press: ["Delete"] },
  ];
}

async function show(page: Page, url: string, { hash, shown, press = [] }: Shot): Promise<void> {
  await page.goto(`${url}/${hash}`);
  await page.getByRole("heading", { name: shown, exact: true }).waitFor();
  for (const text of press)
    await page
      .getByText(text, { exact: text !== "Replace everything" })
      .first()
      .click();
}

/** The pictures of README.md and docs/page.md. */
async function takePictures(from: Browser, { url, jobs, startLong }: ShopWorker): Promise<void> {
  mkdirSync(IMAGES, { recursive: true });
  const viewport = { width: 1200, height: 800 };
  const { page } = await openTab(from, url, { viewport, colorScheme: "light" });
  await signIn(page, TOKENS.full);
  const take = async (name: string, fullPage = true): Promise<void> => {
    await page.screenshot({ path: join(IMAGES, `page-${name}.png`), fullPage });
  };
  const shots = new Map(listShots(jobs).map((shot) => [shot.name, shot]));
  for (const name of ["overview", "database", "failed", "replace"]) {
    const shot = shots.get(name);
    if (shot === undefined) throw new Error(`there is no picture ${name}`);
    await show(page, url, shot);
    await take(name, shot.press === undefined);
    await page.keyboard.press("Escape");
  }
  const jobId = await startLong();
  await page.goto(`${url}/#/exports/${jobId}`);
  await page.getByRole("heading", { name: /In progress: [3-9]\d %/ }).waitFor();
  await take("running");
}

/** Every screen at every width, for a person who looks at them. */
async function takeAll(from: Browser, worker: ShopWorker, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const colorScheme of SCHEMES) {
    for (const width of WIDTHS) {
      const { page } = await openTab(from, worker.url, {
        viewport: { width, height: 900 },
        colorScheme,
      });
      const path = (name: string): string => join(folder, `${name}-${width}-${colorScheme}.png`);
      await page.screenshot({ path: path("sign-in") });
      await signIn(page, TOKENS.full);
      for (const shot of listShots(worker.jobs)) {
        await show(page, worker.url, shot);
        await page.screenshot({ path: path(shot.name), fullPage: shot.press === undefined });
        await page.keyboard.press("Escape");
      }
      const jobId = await worker.startLong();
      await page.goto(`${worker.url}/#/exports/${jobId}`);
      await page.getByRole("heading", { name: /In progress: [2-9]\d %/ }).waitFor();
      await page.screenshot({ path: path("running"), fullPage: true });
      await page.goto(`${worker.url}/#/`);
      await page.getByRole("heading", { name: "Running now" }).waitFor();
      await page.screenshot({ path: path("running-overview"), fullPage: true });
      await page.context().setOffline(true);
      await page.getByText("What you see was read").waitFor();
      await page.screenshot({ path: path("offline") });
      await page.context().close();
      await worker.client.cancel(jobId).catch(() => {});
    }
  }
}
