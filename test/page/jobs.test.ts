import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { ExportClient } from "../../src/client/export-client.ts";
import {
  type BackedUpWorker,
  copied,
  exported,
  startEmptyWorker,
  TOKENS,
} from "../support/page/backed-up-worker.ts";
import { launchBrowser, openTab, signIn } from "../support/page/browser.ts";
import { type Destination, startDestination } from "../support/page/destination.ts";

/** With many steps, an export can be watched and cancelled. */
const SHORT_STEPS = { EXPORT_ONE_TURN_BYTES: "0", EXPORT_CHUNK_BYTES: "65536" };

const toNumbers = (count: number): string =>
  `WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;

/** A thousand characters. */
const TEXT = "hex(zeroblob(500)) AS text";

let destination: Destination;
let worker: BackedUpWorker;
let client: ExportClient;
let url: string;
let failedJobId: string;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  // These tests change the history, so they have a Worker of their own.
  destination = await startDestination();
  worker = await startEmptyWorker({ ...SHORT_STEPS, ...destination.vars });
  ({ client, url } = worker);
  await client.transaction([
    { sql: "CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT)" },
    { sql: "INSERT INTO note(text) VALUES ('one'), ('two')" },
  ]);
  const { jobId } = await exported(client, { source: "main" });
  await copied(client, jobId, { target: "notes" });
  failedJobId = (await exported(client, { source: "notes", tables: { include: ["gone"] } })).jobId;
  await client.transaction([
    { sql: "CREATE TABLE big(id INTEGER PRIMARY KEY, text TEXT)" },
    { sql: `INSERT INTO big(text) ${toNumbers(12_000)} SELECT ${TEXT} FROM n` },
  ]);
  browser = await launchBrowser();
  ({ page, complaints } = await openTab(browser, url));
  await signIn(page, TOKENS.full);
});

afterAll(async () => {
  await browser.close();
  await worker.stop();
  await destination.stop();
});

/** Opens an export's screen. */
async function openExport(jobId: string): Promise<void> {
  // A request that is under way when the export is deleted would be a 404 in the console.
  const read = page.waitForResponse((response) => response.url().endsWith(`/export/dump/${jobId}`));
  await page.goto(`${url}/#/exports/${jobId}`);
  await page.getByRole("heading", { name: "Details" }).waitFor();
  await read;
}

/** Opens a running export and its question. */
async function askToCancel(jobId: string): Promise<void> {
  await openExport(jobId);
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("dialog").getByText("The database is not changed.").waitFor();
}

test("an export is started, shows its tables while it runs, and reaches its end without a reload", async () => {
  await page.getByRole("button", { name: "New export" }).click();
  await page.getByRole("combobox", { name: "Database" }).selectOption("main");
  await page.getByRole("button", { name: "Start export" }).click();
  await page.getByRole("heading", { name: "Export of main" }).waitFor();
  await page.getByRole("heading", { name: /In progress: \d+ %/ }).waitFor();
  await page.getByRole("progressbar", { name: "Progress of table big" }).waitFor();
  await page.getByRole("heading", { name: "Files" }).waitFor();
  const main = await page.getByRole("main").textContent();
  expect(main).toContain("Completed");
  expect(main).not.toContain("In progress");
  expect(main).toMatch(/Cost\$0\.\d+/);
});

test("an export that is asked to prove itself shows the proof", async () => {
  await page.getByRole("button", { name: "New export" }).click();
  await page.getByRole("combobox", { name: "Database" }).selectOption("notes");
  await page.getByRole("checkbox", { name: /Prove it/ }).check();
  await page.getByRole("button", { name: "Start export" }).click();
  await page.getByRole("heading", { name: "Export of notes" }).waitFor();
  await page.locator(".heading").getByText("Proved").waitFor();
  await page.getByText(/^restored .*, 2 rows equal$/).waitFor();
  await page.goto(`${url}/#/`);
  await page.getByRole("row").filter({ hasText: "notes" }).getByText("Proved").waitFor();
});

test("an export shows its copies, and what keeps it in its series", async () => {
  const { jobId, copies } = await exported(client, {
    source: "notes",
    copyTo: ["offsite"],
    series: "nightly",
    retention: { keepLast: 2 },
  });
  await openExport(jobId);
  const facts = (await page.locator(".facts").textContent()) ?? "";
  expect(facts).toMatch(/Copiesoffsite: copied, [\d.]+ k?B folder/);
  expect(await page.getByTitle(copies[0]?.folder ?? "").textContent()).toBe("folder");
  expect(facts).toContain("Series nightlynewest, keepLast");
});

test("a running export is cancelled after a question", async () => {
  // Its export takes a minute, so that it cannot end before the answer.
  await client.transaction([
    { sql: `CREATE TABLE huge AS ${toNumbers(120_000)} SELECT ${TEXT} FROM n` },
  ]);
  const { jobId } = await client.start({ source: "main" });
  await askToCancel(jobId);
  await page.getByRole("button", { name: "Cancel the export" }).click();
  await page.getByText("is cancelled.").waitFor();
  await page.locator(".heading").getByText("Cancelled").waitFor();
  expect((await client.get(jobId)).status).toBe("cancelled");
  await client.transaction([{ sql: "DROP TABLE huge" }]);
});

test("an export that ends while the question is open is not reported as cancelled", async () => {
  const { jobId } = await client.start({ source: "main" });
  await askToCancel(jobId);
  await page.locator(".heading").getByText("Completed").waitFor({ timeout: 100_000 });
  await page.getByRole("button", { name: "Cancel the export" }).click();
  await page.getByText("ended before it could be cancelled: it is completed.").waitFor();
  expect((await client.get(jobId)).status).toBe("completed");
});

test("a failed export shows its error, its hint, and a way to start it again", async () => {
  await openExport(failedJobId);
  await page.getByText('table-not-found: no table or view matches "gone"').waitFor();
  const { error } = await client.get(failedJobId);
  const hint = error?.hint.replaceAll("`", "") ?? "no hint";
  expect(await page.getByRole("main").textContent()).toContain(`What to do: ${hint}`);
  await page.getByRole("button", { name: "Export again" }).click();
  const source = page.getByRole("dialog").getByRole("combobox", { name: "Database" });
  expect(await source.inputValue()).toBe("notes");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("a refused start keeps the dialog open, with the reason", async () => {
  await page.getByRole("button", { name: "New export" }).click();
  await page.getByRole("combobox", { name: "Database" }).selectOption("tenants");
  await page.getByRole("button", { name: "Start export" }).click();
  const alert = page.getByRole("dialog").getByRole("alert");
  await alert.waitFor();
  expect(await alert.textContent()).toContain("invalid-request");
  await page.getByRole("button", { name: "Close" }).click();
});

test("a file is downloaded with the token in a header, and is the stored one", async () => {
  const { jobId, artifacts } = await exported(client, { source: "notes" });
  await openExport(jobId);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download dump.sql" }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^notes-\d{8}T\d{6}Z\.sql$/);
  expect(download.url()).toMatch(/^blob:/);
  const file = readFileSync(await download.path(), "utf8");
  expect(file).toHaveLength(artifacts[0]?.bytes ?? 0);
  expect(file).toContain("CREATE TABLE note");
});

test("the details of a masked export list its masked columns, and those of others do not", async () => {
  const masked = await exported(client, { source: "notes", mask: { note: { text: "length" } } });
  await openExport(masked.jobId);
  const facts = page.locator("section", { has: page.getByRole("heading", { name: "Details" }) });
  expect(await facts.textContent()).toContain("Maskednote.text (length)");
  const plain = await exported(client, { source: "notes" });
  await openExport(plain.jobId);
  await expect.poll(() => facts.textContent()).not.toContain("Masked");
});

test("an export is deleted after a question, and the last backup only if its database's name is typed", async () => {
  const last = await exported(client, { source: "tenants", name: "acme" });
  await openExport(last.jobId);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByText("This is the last backup of tenants / acme.").waitFor();
  const confirm = page.getByRole("button", { name: "Delete for good" });
  expect(await confirm.isDisabled()).toBe(true);
  const name = page.getByLabel(/^Type tenants \/ acme to confirm/);
  await name.fill("tenants / acm");
  expect(await confirm.isDisabled()).toBe(true);
  await name.fill("tenants / acme");
  await confirm.click();
  await page.getByRole("heading", { name: "Exports" }).waitFor();
  await expect(client.get(last.jobId)).rejects.toMatchObject({ code: "job-not-found" });

  const another = await exported(client, { source: "notes" });
  await openExport(another.jobId);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByText(/other backups? stays?\./).waitFor();
  await page.getByRole("button", { name: "Delete for good" }).click();
  await page.getByRole("heading", { name: "Exports" }).waitFor();
  await expect(client.get(another.jobId)).rejects.toMatchObject({ code: "job-not-found" });
});

test("an export is restored into an empty database, and replaces a full one only if its name is typed", async () => {
  const { jobId } = await exported(client, { source: "notes" });
  await openExport(jobId);
  await page.getByRole("button", { name: "Restore" }).click();
  await page.getByRole("combobox", { name: "Into" }).selectOption("copy");
  await page.getByRole("button", { name: "Restore into copy" }).click();
  await page.getByRole("heading", { name: "Restore into copy" }).waitFor();
  await page.getByText("Restored, and every byte is equal.").waitFor();

  await openExport(jobId);
  await page.getByRole("button", { name: "Restore" }).click();
  await page.getByRole("combobox", { name: "Into" }).selectOption("copy");
  await page.getByRole("radio", { name: /Replace everything/ }).check();
  const confirm = page.getByRole("button", { name: "Replace copy" });
  expect(await confirm.isDisabled()).toBe(true);
  await page.getByLabel(/^Type copy to confirm/).fill("copy");
  await confirm.click();
  await page.getByRole("heading", { name: "Restore into copy" }).waitFor();
  await page.getByText("Restored, and every byte is equal.").waitFor();
  await page.getByText("Former content").waitFor();
});

test("nothing was written to the console on the way", () => {
  // The refused start is an answer with status 400, which the browser reports itself.
  expect(complaints.filter((text) => !/status of 400/.test(text))).toEqual([]);
});
