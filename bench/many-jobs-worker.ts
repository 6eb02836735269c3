import { JOBS_RUNNING_DEFAULT } from "../src/api/limits.ts";
import type { ExportEnv } from "../src/config/bindings.ts";
import * as deployed from "../src/index.ts";
import { insertJob } from "../src/jobs/tables/job-rows.ts";
import { runWatchdog } from "../src/jobs/watchdog/job-watchdog.ts";
import { KEEPING_WORKFLOW, makeCalls, newJob } from "./jobs-calls.ts";
import { countingSql, insertOldJobs } from "./old-jobs.ts";

/** What far services take, in milliseconds. */
const FAR_MS = 100;

/** The watchdog's tasks of which a pace can be measured. */
export type Pace = "expiries" | "discards" | "rescues";

/** A jobs object that measures its own calls. */
export class MeasuredJobs extends deployed.ExportJobs {
  readonly #made = makeCalls();

  /** Inserts old jobs, and fills all places but one. */
  fill(first: number, last: number, tables: number): void {
    const { storage } = this.jobs;
    storage.transactionSync(() => {
      insertOldJobs(storage.sql, { first, last, tables, nowMs: Date.now() });
    });
    const { n } = storage.sql
      .exec<{ n: number }>("SELECT count(*) AS n FROM tmp_export_jobs WHERE state = 'queued'")
      .one();
    for (let at = n + 1; at < JOBS_RUNNING_DEFAULT; at += 1) {
      insertJob(storage.sql, newJob(`running ${at}`));
    }
  }

  /** Makes call number `at` `times` times; returns the rows of the first time. Only repeatable calls repeat. */
  async call(at: number, times: number): Promise<{ rowsRead: number; rowsWritten: number }> {
    const { sql, count } = countingSql(this.jobs.sql);
    const env = { ...this.env, EXPORT_WORKFLOW: KEEPING_WORKFLOW } as never;
    await this.#made.calls[at]?.[1]({ ...this.jobs, env, sql });
    const rows = count();
    for (let time = 1; time < times; time += 1)
      await this.#made.calls[at]?.[1]({ ...this.jobs, env });
    return rows;
  }

  clear(): void {
    for (const id of this.#made.left) {
      this.jobs.sql.exec("DELETE FROM tmp_export_jobs WHERE job_id = ?", id);
    }
  }

  /** Makes `jobs` tasks due, and runs alarms until none is left; the store and Workflows are far away. */
  async pace(pace: Pace, jobs: number): Promise<{ alarms: number }> {
    const { sql } = this.jobs;
    makeDue(sql, pace, jobs);
    const far = <T>(value: T) => scheduler.wait(FAR_MS).then(() => value);
    const env = {
      ...this.env,
      EXPORT_R2_BUCKET: { delete: () => far(undefined) },
      EXPORT_WORKFLOW: {
        create: ({ id }: { id: string }) => far({ id }),
        get: (id: string) => far({ id, status: () => far({ status: "errored" }) }),
      },
    };
    let alarms = 0;
    do {
      await runWatchdog({ ...this.jobs, env: env as never });
      alarms += 1;
    } while (countDue(sql, pace) > 0);
    return { alarms };
  }
}

function makeDue(sql: SqlStorage, pace: Pace, jobs: number): void {
  if (pace === "expiries") {
    sql.exec(
      `UPDATE tmp_export_jobs SET expires_at_ms = 1 WHERE job_id IN
         (SELECT job_id FROM tmp_export_jobs WHERE state = 'completed' AND kind = 'export' LIMIT ?)`,
      jobs,
    );
  } else if (pace === "discards") {
    sql.exec("UPDATE tmp_export_job_discards SET discarded_at_ms = 1");
  } else {
    for (let n = 0; n < jobs; n += 1) insertJob(sql, { ...newJob(`silent ${n}`), nowMs: 1 });
    sql.exec(
      "UPDATE tmp_export_jobs SET heartbeat_at_ms = ? WHERE created_at_ms = 1",
      Date.now() - 3_600_000,
    );
  }
}

function countDue(sql: SqlStorage, pace: Pace): number {
  const condition = {
    expiries: "tmp_export_jobs WHERE state = 'completed' AND expires_at_ms = 1",
    discards: "tmp_export_job_discards WHERE discarded_at_ms = 1",
    rescues: "tmp_export_jobs WHERE created_at_ms = 1 AND run = 1",
  }[pace];
  return sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${condition}`).one().n;
}

export { Database, ExportJobs, ExportWorkflow } from "../src/index.ts";

interface MeasuredEnv extends ExportEnv {
  MEASURED: DurableObjectNamespace<MeasuredJobs>;
}

/** The deployed Worker, plus `POST /measure/<method>?<arguments>`, which calls a `MeasuredJobs`. */
export default {
  ...deployed.default,
  fetch: async (
    request: Request,
    env: MeasuredEnv,
    context: ExecutionContext,
  ): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url);
    const number = (name: string): number => Number(searchParams.get(name));
    const object = env.MEASURED.getByName(searchParams.get("object") ?? "measured");
    switch (pathname) {
      case "/measure/fill":
        await object.fill(number("first"), number("last"), number("tables"));
        return Response.json({});
      case "/measure/call":
        return Response.json(await object.call(number("at"), number("times")));
      case "/measure/clear":
        await object.clear();
        return Response.json({});
      case "/measure/pace":
        return Response.json(await object.pace(searchParams.get("of") as Pace, number("jobs")));
      default:
        return deployed.default.fetch(request, env, context);
    }
  },
};
