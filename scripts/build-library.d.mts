/** Builds the library into a folder, by default the one that the package's exports name. */
export function buildLibrary(folder?: string): void;
