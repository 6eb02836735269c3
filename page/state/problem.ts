import { ExportApiError } from "../../src/client/export-api-error.ts";

/** A failed call, as the page shows it. */
export interface Problem {
  /** True if the Worker could not be reached. */
  isOffline: boolean;
  /** True if the same call may succeed later. */
  isTemporary: boolean;
  /** True if the token is not this Worker's. */
  isUnauthorized: boolean;
  what: string;
  advice: string;
}

/** Returns what a failed call means. */
export function toProblem(error: unknown): Problem {
  if (error instanceof ExportApiError) {
    return {
      isOffline: false,
      isTemporary: error.status === 429 || error.status >= 500,
      isUnauthorized: error.code === "unauthorized",
      what: error.message,
      advice: error.hint ?? "Check that this address is a Durable Export Worker.",
    };
  }
  return {
    isOffline: true,
    isTemporary: true,
    isUnauthorized: false,
    what: "The Worker cannot be reached.",
    advice: "Check your network. The page tries again by itself.",
  };
}

/** True for the error of a call that the page itself has aborted. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
