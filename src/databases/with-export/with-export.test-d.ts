import { DurableObject } from "cloudflare:workers";
import { expectTypeOf } from "vitest";

import type { DatabaseStub } from "../durable-object/durable-object-source.ts";
import { type ExportMethods, type QueryResult, withExport } from "./with-export.ts";

interface TenantEnv {
  GREETING: string;
}

class Tenant extends withExport(DurableObject<TenantEnv>) {
  greet(name: string): string {
    expectTypeOf(this.env).toEqualTypeOf<TenantEnv>();
    expectTypeOf(this.ctx.storage.sql).toEqualTypeOf<SqlStorage>();
    return `${this.env.GREETING} ${name}`;
  }
}

declare const tenant: Tenant;
expectTypeOf(tenant).toExtend<ExportMethods>();
expectTypeOf(tenant).toExtend<DatabaseStub>();
expectTypeOf(tenant.greet("you")).toEqualTypeOf<string>();
expectTypeOf(tenant.executeQuery({ sql: "SELECT 1" })).toEqualTypeOf<QueryResult>();

// @ts-expect-error a query has SQL
tenant.executeQuery({});

declare const stub: DurableObjectStub<Tenant>;
expectTypeOf(stub.greet("you")).resolves.toEqualTypeOf<string>();

// @ts-expect-error only a Durable Object's class has the storage
withExport(Date);
