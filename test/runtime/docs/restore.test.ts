import { env } from "cloudflare:workers";
import { beforeAll, expect, test } from "vitest";

import { download, emptyDatabase, ended, query, startExport } from "../../support/api.ts";

const { SHOP_DB: database } = env as unknown as { SHOP_DB: D1Database };

beforeAll(async () => {
  await emptyDatabase();
  await query(
    "CREATE TABLE notes(id INTEGER PRIMARY KEY, text)",
    "INSERT INTO notes VALUES (1, 2)",
  );
});

test("env.DB.exec() takes no dump, as docs/restore.md says", async () => {
  const view = await ended((await startExport()).jobId);
  const dump = new TextDecoder().decode(await download(view.jobId));
  await expect(database.exec(dump)).rejects.toThrow("D1_EXEC_ERROR");

  const statement = "CREATE TABLE lines(\n a, b)";
  await expect(database.exec(statement)).rejects.toThrow("incomplete input");
  await database.exec(statement.replace("\n", ""));
});
