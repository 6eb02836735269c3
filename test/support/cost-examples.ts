import { costOfExport, DOLLARS, type ExportSize } from "../../bench/costs.ts";
import { costOfFleet, type FleetSize } from "../../bench/fleet-costs.ts";
import { KIB, MIB } from "../../src/api/limits.ts";

interface Example extends ExportSize {
  title: string;
}

const TEN_TABLES = { tables: 10 };

/** The databases in the calculations of docs/limits-and-costs.md. */
export const EXAMPLES: readonly Example[] = [
  { title: "1 GB, 1 M rows, quiet", ...TEN_TABLES, bytes: 1e9, rows: 1e6, changedRows: 0 },
  { title: "1 GB, 1 M rows, written", ...TEN_TABLES, bytes: 1e9, rows: 1e6, changedRows: 1e4 },
  { title: "10 GB, 100 M rows, quiet", ...TEN_TABLES, bytes: 1e10, rows: 1e8, changedRows: 0 },
  { title: "10 GB, 100 M rows, written", ...TEN_TABLES, bytes: 1e10, rows: 1e8, changedRows: 1e6 },
];

const dollars = (value: number): string => `$${value.toFixed(value < 1 ? 3 : 2)}`;

/** An example's line of the table. */
export function exampleRow({ title, ...size }: Example): string {
  const cost = costOfExport(size);
  const operations = [cost.steps, cost.r2ClassAOperations, cost.r2ClassBOperations];
  return cells([
    title,
    `${(cost.rowsRead / 1e6).toFixed(1)} M`,
    cost.rowsWritten.toLocaleString("en"),
    ...operations.map((count) => count.toLocaleString("en")),
    dollars(cost.dollars),
    dollars(cost.dollars * 30),
    dollars((size.bytes / 1e9) * 7 * DOLLARS.r2GbMonth),
  ]);
}

/** The fleets in the calculations of docs/fleets.md: files of 100 KB, of 1,000 rows each. */
export const FLEET_EXAMPLES: readonly FleetSize[] = [1_000, 10_000, 100_000].map((tenants) => ({
  tenants,
  bytes: 1e5,
  rows: 1_000,
}));

/** A fleet's line of the table. */
export function fleetExampleRow(size: FleetSize): string {
  const cost = costOfFleet(size);
  const counts = [cost.rowsWritten, cost.steps, cost.r2ClassAOperations, cost.r2ClassBOperations];
  return cells([
    size.tenants.toLocaleString("en"),
    `${(cost.rowsRead / 1e6).toFixed(1)} M`,
    ...counts.map((count) => count.toLocaleString("en")),
    dollars(cost.dollars),
    dollars(cost.dollars * 30),
    dollars(((size.tenants * size.bytes) / 1e9) * 7 * DOLLARS.r2GbMonth),
  ]);
}

const DEVELOPERS = "https://developers.cloudflare.com";
const ROWS_LINKS = `[objects](${DEVELOPERS}/durable-objects/platform/pricing/), [D1](${DEVELOPERS}/d1/platform/pricing/)`;
const R2_LINK = `[R2](${DEVELOPERS}/r2/pricing/)`;

/** The table of prices, line by line. */
export const PRICE_ROWS: readonly string[] = [
  ["a million rows read", DOLLARS.rowRead * 1e6, ROWS_LINKS],
  ["a million rows written", DOLLARS.rowWritten * 1e6, ROWS_LINKS],
  ["100,000 steps", DOLLARS.step * 1e5, `[Workflows](${DEVELOPERS}/workflows/reference/pricing/)`],
  ["a million of R2's Class A", DOLLARS.r2ClassA * 1e6, R2_LINK],
  ["a million of R2's Class B", DOLLARS.r2ClassB * 1e6, R2_LINK],
  ["a GB in R2 for a month", DOLLARS.r2GbMonth, R2_LINK],
].map(([what, price, source]) =>
  cells([String(what), `$${Number(Number(price).toFixed(4))}`, String(source)]),
);

/** A limit of `src/api/limits.ts` as documentation writes it: its unit is in its name. */
export function limitText(name: string, value: number): string {
  if (name.includes("_BYTES")) {
    if (value % MIB === 0) return `${(value / MIB).toLocaleString("en")} MiB`;
    if (value % KIB === 0) return `${value / KIB} KiB`;
    return `${value.toLocaleString("en")} bytes`;
  }
  if (name.includes("_MS")) return `${value / 1_000} s`;
  if (name.includes("_SECONDS")) return `${value.toLocaleString("en")} s`;
  if (name.includes("_HOURS")) return `${value.toLocaleString("en")} h`;
  return value.toLocaleString("en");
}

function cells(values: string[]): string {
  return `| ${values.join(" | ")} |`;
}
