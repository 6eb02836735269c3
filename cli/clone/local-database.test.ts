import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { findLocalDatabase, type LocalChoice } from "./local-database.ts";
import { localIdFromName } from "./local-object-id.ts";

const D1 = { name: "shop", type: "d1" };
const OBJECTS = { name: "tenants", type: "durable-object" };
const DEPLOYED_ID = "0123456789abcdef".repeat(4);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-local-database-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(config: object, name = "wrangler.json"): void {
  const common = { name: "app", compatibility_date: "2026-11-01" };
  writeFileSync(join(folder, name), JSON.stringify({ ...common, ...config }));
}

function find(choice: Partial<LocalChoice> = {}): string {
  return findLocalDatabase({ folder, source: D1, ...choice }).path;
}

function d1Path(id: string, state = join(folder, ".wrangler", "state")): string {
  const key = "miniflare-D1DatabaseObject";
  return join(state, "v3", "d1", key, `${localIdFromName(key, id)}.sqlite`);
}

function objectPath(name: string, key = "app-Tenant"): string {
  const file = `${localIdFromName(key, name)}.sqlite`;
  return join(folder, ".wrangler", "state", "v3", "do", key, file);
}

const DATABASE = { binding: "DB", database_name: "shop", database_id: "shop-id" };
const TENANTS = { bindings: [{ name: "TENANTS", class_name: "Tenant" }] };

describe("a D1 database", () => {
  test("is found by the id in the configuration", () => {
    write({ d1_databases: [DATABASE] });
    expect(find()).toBe(d1Path("shop-id"));
  });

  test("has its preview id locally, or the name of the binding without an id", () => {
    write({ d1_databases: [{ ...DATABASE, preview_database_id: "preview" }] });
    expect(find()).toBe(d1Path("preview"));
    write({ d1_databases: [{ binding: "DB" }] });
    expect(find()).toBe(d1Path("DB"));
  });

  test("is that of the source in EXPORT_SOURCES, also as text", () => {
    const d1_databases = [DATABASE, { binding: "OTHER", database_id: "other-id" }];
    const sources = { shop: { type: "d1", binding: "OTHER" } };
    write({ d1_databases, vars: { EXPORT_SOURCES: sources } });
    expect(find()).toBe(d1Path("other-id"));
    write({ d1_databases, vars: { EXPORT_SOURCES: JSON.stringify(sources) } });
    expect(find()).toBe(d1Path("other-id"));
    expect(find({ binding: "DB" })).toBe(d1Path("shop-id"));
  });

  test("is found in the environment of --env, and in TOML", () => {
    const local = { ...DATABASE, database_id: "staging-id" };
    write({ d1_databases: [DATABASE], env: { staging: { d1_databases: [local] } } });
    expect(find({ env: "staging" })).toBe(d1Path("staging-id"));
    rmSync(join(folder, "wrangler.json"));
    const toml = 'name = "app"\n[[d1_databases]]\nbinding = "DB"\ndatabase_id = "toml-id"\n';
    writeFileSync(join(folder, "wrangler.toml"), toml);
    expect(find()).toBe(d1Path("toml-id"));
  });

  test("is refused if wrangler dev would use the deployed one", () => {
    write({ d1_databases: [{ ...DATABASE, remote: true }] });
    expect(() => find()).toThrow("DB is a remote binding");
  });

  test("is refused if an object in it is named", () => {
    write({ d1_databases: [DATABASE] });
    expect(() => find({ toObject: "acme" })).toThrow("DB is a D1 database, which has no objects");
  });
});

describe("a Durable Object", () => {
  test("is found by the Worker's name, the class and the object's name", () => {
    write({ durable_objects: TENANTS });
    expect(find({ source: OBJECTS, objectName: "acme" })).toBe(objectPath("acme"));
    expect(find({ source: OBJECTS, objectName: "acme", toObject: "x" })).toBe(objectPath("x"));
  });

  test("has another namespace in an environment", () => {
    write({ durable_objects: TENANTS, env: { staging: { durable_objects: TENANTS } } });
    const path = find({ source: OBJECTS, objectName: "acme", env: "staging" });
    expect(path).toBe(objectPath("acme", "app-staging-Tenant"));
  });

  test("is that of the source in EXPORT_SOURCES if the export names none", () => {
    const tenants = { type: "durable-object", binding: "TENANTS", name: "first" };
    write({ durable_objects: TENANTS, vars: { EXPORT_SOURCES: { tenants } } });
    expect(find({ source: OBJECTS })).toBe(objectPath("first"));
    expect(find({ source: OBJECTS, objectName: "acme" })).toBe(objectPath("acme"));
  });

  test("is the default source of this project's own Worker", () => {
    const bindings = [{ name: "DATABASE_DURABLE_OBJECT", class_name: "Tenant" }];
    write({ durable_objects: { bindings: [...bindings, ...TENANTS.bindings] } });
    const source = { name: "main", type: "durable-object" };
    expect(find({ source })).toBe(objectPath("sql-durable-object"));
  });

  test("needs a local name if the export names a deployed id", () => {
    write({ durable_objects: TENANTS });
    const choice = { source: OBJECTS, objectId: DEPLOYED_ID };
    expect(() => find(choice)).toThrow(`accepts no id of a deployed object: ${DEPLOYED_ID}`);
    expect(find({ ...choice, toObject: "acme" })).toBe(objectPath("acme"));
    const objectId = localIdFromName("app-Tenant", "acme");
    expect(find({ source: OBJECTS, objectId })).toBe(objectPath("acme"));
  });

  test("must be named if the class has many", () => {
    write({ durable_objects: TENANTS });
    expect(() => find({ source: OBJECTS })).toThrow("nothing names one");
  });

  test("is refused if another Worker has the class", () => {
    const bindings = [{ name: "TENANTS", class_name: "Tenant", script_name: "other" }];
    write({ durable_objects: { bindings } });
    const choice = { source: OBJECTS, objectName: "acme" };
    expect(() => find(choice)).toThrow("TENANTS is a class of another Worker, other");
  });
});

describe("the binding", () => {
  test("must be named if several fit, and own bindings do not count", () => {
    const bindings = [
      { name: "EXPORT_JOBS", class_name: "ExportJobs" },
      { name: "EXPORT_SCRATCH", class_name: "ScratchDatabase" },
      ...TENANTS.bindings,
    ];
    write({ durable_objects: { bindings } });
    expect(find({ source: OBJECTS, objectName: "acme" })).toBe(objectPath("acme"));
    write({ d1_databases: [DATABASE, { binding: "OTHER", database_id: "other-id" }] });
    expect(() => find()).toThrow("does not say which binding is the source shop");
  });

  test.each([
    ["none of the configuration", "MISSING", "has no binding MISSING of a database"],
    ["of another type", "TENANTS", "the binding TENANTS is of type durable-object"],
  ])("is refused if it is %s", (_what, binding, words) => {
    write({ d1_databases: [DATABASE], durable_objects: TENANTS });
    expect(() => find({ binding, toObject: "acme" })).toThrow(words);
  });

  test("is refused if the configuration has none of the source's type", () => {
    write({ d1_databases: [DATABASE] });
    expect(() => find({ source: OBJECTS })).toThrow(
      /^the source tenants is of type durable-object, and .* has no binding of that type$/,
    );
  });

  test("may be of any type if the Worker does not report the source's", () => {
    write({ d1_databases: [DATABASE] });
    expect(find({ binding: "DB", source: { name: "x", type: undefined } })).toBe(d1Path("shop-id"));
  });
});

describe("the folder", () => {
  test("is a project's, its state, or that of --persist-to in a project or with a configuration", () => {
    write({ d1_databases: [DATABASE] });
    const state = join(folder, ".wrangler", "state");
    expect(find({ folder: state })).toBe(d1Path("shop-id"));
    const persisted = join(folder, "persisted");
    mkdirSync(join(persisted, "v3"), { recursive: true });
    expect(find({ folder: persisted })).toBe(d1Path("shop-id", persisted));
    const elsewhere = mkdtempSync(join(tmpdir(), "cli-local-state-"));
    const wranglerConfig = join(folder, "wrangler.json");
    expect(find({ folder: elsewhere, wranglerConfig })).toBe(d1Path("shop-id", elsewhere));
    expect(() => find({ folder: elsewhere })).toThrow("a folder above it contains a wrangler");
    rmSync(elsewhere, { recursive: true });
  });

  test.each(["src", "src/index.ts"])("is refused if it is other than that: %s", (path) => {
    write({ d1_databases: [DATABASE] });
    mkdirSync(join(folder, "src"));
    writeFileSync(join(folder, "src", "index.ts"), "");
    const choice = { folder: join(folder, path) };
    expect(() => find(choice)).toThrow("contains neither a wrangler configuration nor local state");
  });

  test("must have a configuration that wrangler can read", () => {
    writeFileSync(join(folder, "wrangler.json"), "{");
    expect(() => find()).toThrow(`wrangler cannot read ${join(folder, "wrangler.json")}`);
    const wranglerConfig = join(folder, "missing.json");
    expect(() => find({ wranglerConfig })).toThrow("missing.json does not exist");
  });
});
