import { env } from "cloudflare:workers";

import { openSource } from "../../../src/databases/open-source.ts";
import { sourceContract } from "../../contract/source.ts";

const object = { type: "durable-object", binding: "DATABASE_DURABLE_OBJECT", name: "c" } as const;

sourceContract("of a Durable Object", () => openSource(env, object, { name: "contract" }), {
  rollsBack: true,
  reportsSize: true,
});

const database = { type: "d1", binding: "SHOP_DB" } as const;

sourceContract("of D1", () => openSource(env, database, null), {
  rollsBack: true,
  reportsSize: true,
});
