import { useEffect, useState } from "preact/hooks";

import { parseRoute, type Route } from "./route.ts";

/** Returns the current screen, and renders again when it changes. */
export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const look = (): void => setHash(location.hash);
    globalThis.addEventListener("hashchange", look);
    return () => globalThis.removeEventListener("hashchange", look);
  }, []);
  return parseRoute(hash);
}
