import type { Database } from "../../src/databases/database.ts";
import { d1Source } from "../../src/databases/d1/d1-source.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import type { Source } from "../../src/databases/source.ts";
import { dumpDatabase, randomCutting } from "./dump-database.ts";
import { type PlatformRestore, restoreOnSource } from "./platform-restore.ts";
import type { SnapshotCorrection } from "./snapshot-corrections.ts";
import { runCorrectionOn, runSnapshotOn } from "./snapshot-on-source.ts";
import type { StarbaseDBDurableObject } from "./starbasedb/worker.ts";

export { Database } from "../../src/databases/database.ts";
export { StarbaseDBDurableObject } from "./starbasedb/worker.ts";

type Environment = Record<string, D1Database> & {
  DATABASE: DurableObjectNamespace<Database>;
  STARBASEDB: DurableObjectNamespace<StarbaseDBDurableObject>;
};

/** The arguments of every call: the object's or binding's name, and the call's data. */
interface Call {
  name: string;
  statements?: string[];
  seed?: number;
  correction?: SnapshotCorrection;
  restore?: PlatformRestore & RestoreTarget;
}

/** The target of a restore: the name of an object, or a binding of D1. */
export interface RestoreTarget {
  kind: "object" | "StarbaseDB" | "D1";
  name: string;
}

/** Builds, dumps and restores databases inside the runtime; `Platform` is the other side. */
export default {
  async fetch(request: Request, environment: Environment): Promise<Response> {
    const call = await request.json<Call>();
    const id = environment.DATABASE.idFromName(call.name);
    const object = environment.DATABASE.get(id);
    const source = durableObjectSource(() => environment.DATABASE.get(id));
    const sourceOfD1 = (): Source => d1Source(environment[call.name] as D1Database, call.name);
    switch (new URL(request.url).pathname) {
      case "/build":
        return Response.json({ id: id.toString(), ...(await build(object, call)) });
      case "/dump":
        return dump(source, call);
      case "/dump-d1":
        return dump(sourceOfD1(), call);
      case "/snapshot":
        return Response.json(await snapshot(source, call));
      case "/snapshot-d1":
        return Response.json(await snapshot(sourceOfD1(), call));
      case "/restore-object":
        await object.executeTransaction(
          (call.statements ?? []).map((sql) => ({ sql })),
          true,
        );
        return Response.json({ id: id.toString() });
      case "/restore-d1": {
        const database = environment[call.name] as D1Database;
        await database.batch((call.statements ?? []).map((sql) => database.prepare(sql)));
        return Response.json({});
      }
      case "/restore":
        return restore(source, environment, call);
      default:
        return new Response(null, { status: 404 });
    }
  },
};

async function dump(source: Source, { seed }: Call): Promise<Response> {
  const cutting = seed === undefined ? undefined : randomCutting(seed);
  const { bytes, warnings, catalog } = await dumpDatabase(source, cutting);
  return Response.json({ base64: Buffer.from(bytes).toString("base64"), warnings, catalog });
}

async function restore(source: Source, environment: Environment, call: Call): Promise<Response> {
  if (call.restore === undefined) return new Response("no target", { status: 400 });
  const { kind, name } = call.restore;
  const namespace = kind === "StarbaseDB" ? environment.STARBASEDB : environment.DATABASE;
  const target =
    kind === "D1"
      ? d1Source(environment[name] as D1Database, name)
      : durableObjectSource(() => namespace.getByName(name));
  const { dump, ...restored } = await restoreOnSource(source, target, call.restore);
  const base64 = Buffer.from(dump).toString("base64");
  return Response.json({ ...restored, base64, id: namespace.idFromName(name).toString() });
}

async function snapshot(
  source: Source,
  { seed = 0, correction }: Call,
): Promise<{ problems: string[]; writes: number }> {
  if (correction === undefined) return runSnapshotOn(source, seed);
  const problems = await runCorrectionOn(source, correction);
  return { problems, writes: correction.writes.length };
}

/** Runs what SQLite accepts, and returns what it refused. */
async function build(
  object: DurableObjectStub<Database>,
  call: Call,
): Promise<{ refused: { statement: string; message: string }[] }> {
  const refused: { statement: string; message: string }[] = [];
  for (const sql of call.statements ?? []) {
    try {
      await object.executeQuery({ sql });
    } catch (error) {
      refused.push({ statement: sql.slice(0, 200), message: String(error) });
    }
  }
  return { refused };
}
