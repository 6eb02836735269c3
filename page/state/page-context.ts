import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

import type { TokenAccess } from "../../src/api/token-access.ts";
import type { PageData, Store } from "./store.ts";

/** What every view may use. */
interface PageContext {
  store: Store;
  /** Shows a sentence, and lets screen readers say it. */
  announce: (text: string) => void;
}

export const Page = createContext<PageContext | null>(null);

export function usePage(): PageContext {
  const page = useContext(Page);
  if (page === null) throw new Error("a view is used outside of the page");
  return page;
}

/** Returns what the store knows, and renders again when that changes. */
export function usePageData(): PageData {
  const { store } = usePage();
  const [data, setData] = useState(store.data);
  useEffect(() => {
    setData(store.data);
    return store.subscribe(() => setData(store.data));
  }, [store]);
  return data;
}

/** What the token may do. */
export function useAbilities(): { mayStart: boolean; mayChange: boolean } {
  const access: TokenAccess = usePageData().sources?.access ?? "read";
  return { mayStart: access !== "read", mayChange: access === "full" };
}

/** Returns the current time, and renders again every `everyMs`. */
export function useNow(everyMs = 5_000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
