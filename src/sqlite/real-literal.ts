import { SNAPSHOT_PREFIX } from "./own-objects.ts";

/**
 * The reals up to which whole numbers, and numbers of at most three decimals, are written as decimals. Every
 * SQLite reads those exactly: such a decimal lies on a double or far from the middle between two.
 */
const WHOLE_MAX = "1e15";
const THREE_DECIMALS_MAX = "1e9";

/** Powers of ten to divide an integer by, and the reals below which it stays an integer of 64 bits. */
const QUOTIENTS = [
  { below: "9e9", power: "1e6" },
  { below: "9", power: "1e18" },
  { below: "9e3", power: "1e15" },
  { below: "9e6", power: "1e12" },
];

/** 2 to this is a factor of reals that no power of ten writes. */
const FACTOR_BITS = 57;
const FACTOR = String(2n ** BigInt(FACTOR_BITS));

/**
 * SQL expression that writes the real `name` as SQL which every SQLite since 3.8 evaluates to the same double.
 *
 * Versions of SQLite round a decimal in different ways: 3.40 reads -26.819604 as -26.819603999999998, 3.44 and
 * 3.52 misread others, and builds whose `long double` has 64 bits misread most of 17 digits (3.8 to 3.52, six
 * times 300,000 reals, November 2026). All of them convert integers and divide as IEEE 754 says. So a decimal
 * that could be misread becomes a quotient, and the expression itself tests that the quotient is the real.
 * What no power of ten writes is an integer times or divided by powers of two, which is exact in any case.
 *
 * -0.0 becomes 0.0. NULL becomes NULL, in letters.
 */
export function exactRealSql(name: string): string {
  const isWhole = `abs(${name}) < ${WHOLE_MAX} AND round(${name}) = ${name}`;
  const isShort = `abs(${name}) < ${THREE_DECIMALS_MAX} AND round(${name} * 1e3) / 1e3 = ${name}`;
  const quotients = QUOTIENTS.map(({ below, power }) => {
    // Rounded, a decimal of few digits is the one that it was.
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

/** Names that no column of the customer's has: a column of the same name would be taken for them. */
const EXPONENT = `${SNAPSHOT_PREFIX}_exponent`;
const OPERATOR = `${SNAPSHOT_PREFIX}_operator`;

/** In powers of two: an integer of 57 to 59 bits, and the factors that bring it to the real's size. */
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
