import { SNAPSHOT_PREFIX } from "./own-objects.ts";

/**
 * The largest reals for which whole numbers, and numbers with at most three decimals, are written
 * as decimals. Every SQLite reads those exactly: such a decimal is exactly a double, or far from
 * the middle between two doubles.
 */
const WHOLE_MAX = "1e15";
const THREE_DECIMALS_MAX = "1e9";

/**
 * Powers of ten to divide an integer by, each with the limit of the reals for which the integer
 * fits into 64 bits.
 */
const QUOTIENTS = [
  { below: "9e9", power: "1e6" },
  { below: "9", power: "1e18" },
  { below: "9e3", power: "1e15" },
  { below: "9e6", power: "1e12" },
];

/** Two to this power is a factor of reals that no power of ten can write. */
const FACTOR_BITS = 57;
const FACTOR = String(2n ** BigInt(FACTOR_BITS));

/**
 * SQL expression that writes the real `name` as SQL that every SQLite since 3.8 evaluates to the
 * same double.
 *
 * Versions of SQLite round a decimal in different ways: 3.40 reads -26.819604 as
 * -26.819603999999998, and 3.44 and 3.52 misread others. Builds whose `long double` has 64 bits
 * misread most decimals of 17 digits (3.8 to 3.52, six times 300,000 reals, November 2026). All of
 * them convert integers and divide according to IEEE 754. So a decimal that could be misread
 * becomes a quotient, and the expression itself tests that the quotient equals the real. A real
 * that no power of ten can write is an integer multiplied or divided by powers of two, which is
 * always exact.
 *
 * -0.0 becomes 0.0. NULL becomes NULL, in letters.
 */
export function exactRealSql(name: string): string {
  const isWhole = `abs(${name}) < ${WHOLE_MAX} AND round(${name}) = ${name}`;
  const isShort = `abs(${name}) < ${THREE_DECIMALS_MAX} AND round(${name} * 1e3) / 1e3 = ${name}`;
  const quotients = QUOTIENTS.map(({ below, power }) => {
    // Rounding restores a decimal of few digits.
    const integer = `CAST(round(${name} * ${power}) AS INTEGER)`;
    const isExact = `abs(${name}) < ${below} AND ${integer} / ${power} = ${name}`;
    return `WHEN ${isExact} THEN ${integer} || '/${power}'`;
  });
  return (
    // Infinity times zero is NULL.
    `CASE WHEN ${name} * 0 IS NULL OR ${isWhole} OR ${isShort} THEN quote(${name}) ` +
    `${quotients.join(" ")} ELSE ${powersOfTwoSql(name)} END`
  );
}

/**
 * Names that no column of the customer's tables has: the expression would read such a column
 * instead.
 */
const EXPONENT = `${SNAPSHOT_PREFIX}_exponent`;
const OPERATOR = `${SNAPSHOT_PREFIX}_operator`;

/** In powers of two: an integer of 57 to 59 bits, and the factors that scale it to the real. */
function powersOfTwoSql(name: string): string {
  const [e, o] = [EXPONENT, OPERATOR];
  const integer = `CAST(${name} * pow(2, ${e} / 2) * pow(2, ${e} - ${e} / 2) AS INTEGER)`;
  const factors = `replace(hex(zeroblob(abs(${e}) / ${FACTOR_BITS})), '00', ${o} || '${FACTOR}.0')`;
  const rest = `${o} || CAST(pow(2, abs(${e}) % ${FACTOR_BITS}) AS INTEGER) || '.0'`;
  const exponent = `${FACTOR_BITS} - CAST(log2(abs(${name})) AS INTEGER)`;
  return (
    `(SELECT ${integer} || ${factors} || ${rest} FROM ` +
    `(SELECT ${e}, iif(${e} < 0, '*', '/') AS ${o} FROM (SELECT ${exponent} AS ${e})))`
  );
}
