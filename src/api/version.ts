/** This package's version, as in package.json (a test compares them). Stands in every dump's header. */
export const VERSION = "0.1.0";
