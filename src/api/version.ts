/**
 * This package's version, as in package.json (a test compares them). Every dump's header contains
 * it.
 */
export const VERSION = "0.2.0";
