import type { ComponentChildren } from "preact";

import { formatNumberOf } from "../format/units.ts";
import { Hint } from "../parts/hint.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { Time } from "../parts/values.tsx";
import type { DatabaseState } from "../state/databases.ts";
import type { FleetState } from "../state/fleets.ts";
import { judgeAll } from "../state/overall.ts";
import { useAbilities } from "../state/page-context.ts";
import { links } from "../state/route.ts";

/** How many troubles are explained; the table marks the others. */
const TROUBLES_SHOWN = 5;

interface VerdictProps {
  databases: readonly DatabaseState[];
  fleets: readonly FleetState[];
  /** True while older jobs are being loaded: an old backup may still be found. */
  isPartial: boolean;
  onStart: (database: DatabaseState) => void;
}

/** One sentence for all databases; below it, what is wrong with which and what to do. */
export function Verdict({ databases, fleets, isPartial, onStart }: VerdictProps) {
  const { mayStart } = useAbilities();
  const overall = judgeAll(databases, fleets);
  const count = (number: number): string =>
    fleets.length === 0
      ? formatNumberOf(number, "database")
      : formatNumberOf(number, "database or fleet", "databases and fleets");
  if (overall.kind === "new") {
    return (
      <Sentence tone="info" icon="database" title="Nothing is backed up yet">
        Start a first export now. Then schedule exports with <code>EXPORT_SCHEDULE</code>.
      </Sentence>
    );
  }
  if (overall.kind === "waiting") {
    const [first] = overall.waiting;
    const title =
      overall.waiting.length === 1
        ? `The first export of ${first?.label ?? ""} is running`
        : `The first exports of ${count(overall.waiting.length)} are running`;
    const others = overall.watched - overall.waiting.length;
    return (
      <Sentence tone="info" icon="running" title={title}>
        {others === 0
          ? "Until it ends, there is no backup."
          : `${others} of ${count(overall.watched)} already ${others === 1 ? "has" : "have"} a backup.`}
      </Sentence>
    );
  }
  if (overall.kind === "ok") {
    const isOne = overall.watched === 1;
    return (
      <Sentence
        tone="ok"
        icon="check"
        title={isOne ? "Your database is backed up" : `All ${count(overall.watched)} are backed up`}
      >
        {overall.oldestMs !== null && (
          <>
            {isOne ? "The backup" : "The oldest of the newest backups"} was taken{" "}
            <Time at={new Date(overall.oldestMs).toISOString()} />.
          </>
        )}
      </Sentence>
    );
  }
  const { troubled } = overall;
  const isBad = troubled.some(({ health }) => health !== "late");
  return (
    <section class={`verdict ${isBad ? "bad" : "warn"}`} aria-labelledby="verdict">
      <Icon name="warning" />
      <div>
        <h2 id="verdict" class="title">
          {troubled.length} of {count(overall.watched)} {troubled.length === 1 ? "needs" : "need"}{" "}
          attention
        </h2>
        {isPartial && <p>Older exports are still being read.</p>}
        <ul class="troubles">
          {troubled.slice(0, TROUBLES_SHOWN).map((item) => (
            <li key={item.key}>
              <div>
                <a class="strong" href={toScreen(item)}>
                  {item.label}
                </a>
                <p>{item.trouble?.what}</p>
                <p class="advice">
                  <strong>What to do:</strong> <Hint text={item.trouble?.advice ?? ""} />
                </p>
              </div>
              <div class="actions">
                {item.ended?.status === "failed" && (
                  <a class="button" href={toRun(item, item.ended.jobId)}>
                    Show the failure
                  </a>
                )}
                {mayStart &&
                  "jobs" in item &&
                  item.running === null &&
                  item.health !== "unusable" && (
                    <button type="button" onClick={() => onStart(item)}>
                      Export now
                    </button>
                  )}
              </div>
            </li>
          ))}
        </ul>
        {troubled.length > TROUBLES_SHOWN && (
          <p>And {troubled.length - TROUBLES_SHOWN} more, at the top of the table below.</p>
        )}
      </div>
    </section>
  );
}

/** The screen of a database, or of the newest fleet. */
function toScreen(item: DatabaseState | FleetState): string {
  if ("jobs" in item) return links.database(item.key);
  return links.fleet(item.fleets[0]?.jobId ?? "");
}

function toRun(item: DatabaseState | FleetState, jobId: string): string {
  return "jobs" in item ? links.export(jobId) : links.fleet(jobId);
}

interface SentenceProps {
  tone: "ok" | "info";
  icon: IconName;
  title: string;
  children: ComponentChildren;
}

/** A verdict without anything to do. */
function Sentence({ tone, icon, title, children }: SentenceProps) {
  return (
    <div class={`verdict ${tone}`}>
      <Icon name={icon} />
      <div>
        <p class="title">{title}</p>
        <p>{children}</p>
      </div>
    </div>
  );
}
