import { ExportClient } from "../../src/client/export-client.ts";

/** The address of the API: the page's own address, with the path that the Worker is mounted at. */
const BASE = `${location.origin}${location.pathname.replace(/\/+$/, "")}`;

/** `sessionStorage` lasts as long as the tab, and no other site can read it. */
const TOKEN_KEY = `durable-export-token ${BASE}`;

/** Returns the token of this tab; null if nobody has signed in. */
export function readToken(): string | null {
  return sessionStorage.getItem(TOKEN_KEY);
}

export function keepToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(TOKEN_KEY);
}

/** Returns a client that sends the token to this page's Worker, in a header, and nowhere else. */
export function makeClient(token: string): ExportClient {
  // The page shows that a call failed, and repeats it itself.
  return new ExportClient({ url: BASE, token, retries: 1 });
}

/** Returns the address of the API, for commands that a person copies. */
export function apiUrl(): string {
  return BASE;
}
