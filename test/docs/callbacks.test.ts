import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { chooseCallbackMove } from "../../src/notify/callback-schedule.ts";
import { CALLBACK_PORTS, checkCallbackTarget } from "../../src/notify/callback-target.ts";
import { sendCallback } from "../../src/notify/send-callback.ts";

const root = new URL("../../", import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), "utf8");
const docs = text("docs/callbacks.md");

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

function inWords(delayMs: number): string {
  if (delayMs < 60_000) return `${delayMs / 1_000} s`;
  if (delayMs < 3_600_000) return `${delayMs / 60_000} min`;
  return `${delayMs / 3_600_000} h`;
}

test("docs/callbacks.md shows the example receivers as they are", () => {
  for (const [file, language] of [
    ["node.mjs", "js"],
    ["worker.ts", "ts"],
  ]) {
    const program = text(`examples/callback-receiver/${file}`);
    expect(docs).toContain(`\`\`\`${language}\n${program}\`\`\``);
  }
});

test("docs/callbacks.md has the waits of the schedule", () => {
  const waits = (localDevelopment: boolean) =>
    Array.from({ length: 9 }, (_, index) => {
      const move = chooseCallbackMove({
        attempt: index + 1,
        outcome: "retry",
        random: 0.5,
        localDevelopment,
      });
      return move.status === "pending" ? inWords(move.delayMs) : "none";
    });
  const deployed = waits(false);
  const local = waits(true);
  for (const [index, wait] of deployed.entries()) {
    expect(docs).toMatch(
      new RegExp(`^\\| ${index + 1} +\\| ${wait} +\\| ${local[index]} +\\|$`, "m"),
    );
  }
});

test("docs/callbacks.md has the ports, the refused names and every rule", () => {
  expect(docs).toContain(CALLBACK_PORTS.join(", "));
  const names = [...(/nothing under (.*?) *\|/.exec(docs)?.[1] ?? "").matchAll(/`([^`]+)`/g)];
  expect(names.length).toBeGreaterThan(10);
  for (const [, name] of names) {
    expect(() =>
      checkCallbackTarget(`https://x.${name}/`, { allowlist: undefined, localDevelopment: false }),
    ).toThrow(`\`${name}\` is not a public name`);
  }
});

test("the Node receiver of docs/callbacks.md verifies callbacks and takes a repeated one once", async () => {
  const receiver = spawn(process.execPath, ["examples/callback-receiver/node.mjs"], {
    cwd: root,
    env: { ...process.env, EXPORT_WEBHOOK_SECRET: SECRET, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const lines = createInterface(receiver.stdout);
    const said: string[] = [];
    lines.on("line", (line) => said.push(line));
    await once(lines, "line");
    const port = /port: (\d+)/.exec(said[0] ?? "")?.[1];
    const send = (id: string, secret: string) =>
      sendCallback({
        url: `http://localhost:${port}/`,
        id,
        timestampMs: Date.now(),
        payload: JSON.stringify({
          type: "export.completed",
          data: { jobId: id, status: "completed" },
        }),
        secrets: [secret],
        fetch: (url, init) => fetch(url, init),
      });

    expect(await send("job-1", SECRET)).toEqual({ outcome: "delivered", status: 204 });
    expect(await send("job-1", SECRET)).toEqual({ outcome: "delivered", status: 204 });
    expect(await send("job-2", "C2FVsBQIhrscChlQIMV+b5sSYspob7oDQ1Ke0gz0Xxs=")).toEqual({
      outcome: "retry",
      status: 401,
      error: "the receiver answered 401: No matching signature found",
    });
    receiver.kill();
    await once(lines, "close");
    expect(said.slice(1)).toEqual(["export.completed: job job-1 is completed"]);
  } finally {
    receiver.kill();
  }
});
