import { sourceContract } from "./source.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";

sourceContract("of Node's SQLite", () => nodeSqliteSource(openPlatformDatabase()), {
  rollsBack: true,
  reportsSize: false,
});
