import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";

import { TOKENS } from "../support/page/backed-up-worker.ts";
import { launchBrowser, openTab, signIn } from "../support/page/browser.ts";

const { url, failedJobId } = inject("pageWorker");

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(() => browser.close());

test("asks for the token once, keeps it for the tab, and sends it only in a header", async () => {
  const { page, requested, complaints } = await openTab(browser, url);
  await signIn(page, TOKENS.full);
  await page.getByRole("link", { name: "Exports", exact: true }).click();
  await page.getByRole("heading", { name: "Exports" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Exports" }).waitFor();
  expect(requested.filter((address) => address.includes(TOKENS.full))).toEqual([]);
  expect(
    requested.filter((address) => !address.startsWith("data:") && !address.startsWith(`${url}/`)),
  ).toEqual([]);
  const kept = await page.evaluate<Record<"address" | "markup", string>>(
    `({ address: location.href, local: Object.values(localStorage), cookies: document.cookie,
        markup: document.documentElement.outerHTML })`,
  );
  expect(kept).toMatchObject({ local: [], cookies: "" });
  expect(kept.address + kept.markup).not.toContain(TOKENS.full);
  // Another tab must ask again.
  const other = await page.context().newPage();
  await other.goto(url);
  await other.getByLabel("Token").waitFor();
  expect(complaints).toEqual([]);
});

test("refuses a wrong token with what to do, and keeps nothing", async () => {
  const { page } = await openTab(browser, url);
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  expect(await alert.textContent()).toContain("does not accept this token");
  expect(await alert.textContent()).toContain("Copy the whole token");
  expect(await page.evaluate<number>("sessionStorage.length")).toBe(0);
  await signIn(page, TOKENS.full);
});

test("forgets the token at a sign-out", async () => {
  const { page } = await openTab(browser, url);
  await signIn(page, TOKENS.full);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
  expect(await page.evaluate<number>("sessionStorage.length")).toBe(0);
  await page.reload();
  await page.getByLabel("Token").waitFor();
});

test("asks again, with the reason, if the Worker no longer accepts the token", async () => {
  const { page } = await openTab(browser, url);
  await signIn(page, TOKENS.read);
  await page.evaluate("sessionStorage.setItem(sessionStorage.key(0), 'replaced-meanwhile')");
  await page.reload();
  await page.getByText("no longer accepts this token").waitFor();
});

test("starts, restores and deletes nothing with EXPORT_READ_TOKEN", async () => {
  const { page } = await openTab(browser, `${url}/#/exports/${failedJobId}`);
  await signIn(page, TOKENS.read);
  await page.getByText("Read only").waitFor();
  await page.getByText("What to do:").waitFor();
  const buttons = await page.getByRole("button").allTextContents();
  expect(buttons.filter((text) => /export|restore|delete|cancel/i.test(text))).toEqual([]);
});

test("starts and cancels with EXPORT_JOB_TOKEN, and deletes nothing", async () => {
  const { page } = await openTab(browser, `${url}/#/exports/${failedJobId}`);
  await signIn(page, TOKENS.job);
  await page.getByText("Exports only").waitFor();
  await page.getByRole("button", { name: "Export again" }).waitFor();
  expect(await page.getByRole("button", { name: /Delete|Restore/ }).count()).toBe(0);
});
