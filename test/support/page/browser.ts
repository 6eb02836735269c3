import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Where Debian, Ubuntu and macOS install the browser; `CHROMIUM` names another. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/**
 * Installs Chromium if there is none and the tests run as root on Linux, as they do in a container. Elsewhere a person
 * decides what is installed. Errors: those of apt-get.
 */
export function installBrowser(): void {
  if (findBrowser() !== undefined || process.platform !== "linux" || process.getuid?.() !== 0)
    return;
  const script = fileURLToPath(new URL("../../../.ci/install-chromium", import.meta.url));
  execFileSync(script, { stdio: "inherit" });
}

function findBrowser(): string | undefined {
  return process.env["CHROMIUM"] ?? PLACES.find((place) => existsSync(place));
}

/** Starts Chromium without a window. It reaches nothing but what the tests open. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = findBrowser();
  if (executablePath === undefined) {
    throw new Error("Chromium is not installed: run .ci/install-chromium, or set CHROMIUM");
  }
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-background-networking"],
  });
}

/** A tab, and everything wrong that it has reported. */
export interface Tab {
  page: Page;
  /** Errors of the console, exceptions, and breaches of the policy. */
  complaints: string[];
  /** The addresses of all requests. */
  requested: string[];
}

/** Opens a tab of its own: nothing in it is shared with other tabs. */
export async function openTab(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Tab> {
  const context = await browser.newContext({ locale: "en-US", timezoneId: "UTC", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const tab: Tab = { page, complaints: [], requested: [] };
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      tab.complaints.push(message.text());
  });
  page.on("pageerror", (error) => tab.complaints.push(String(error)));
  page.on("request", (request) => tab.requested.push(request.url()));
  await page.goto(url);
  return tab;
}

/** Types a token into the form, and waits for the first screen. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Screens" }).waitFor();
}
