import { formatNumberOf } from "../format/units.ts";
import { Hint } from "../parts/hint.tsx";
import { Icon } from "../parts/icon.tsx";
import { Time } from "../parts/values.tsx";
import { type DatabaseState, needsAttention, takenAtMs } from "../state/databases.ts";
import { useAbilities } from "../state/page-context.ts";
import { links } from "../state/route.ts";

/** How many troubles are explained; the table marks the others. */
const TROUBLES_SHOWN = 5;

interface VerdictProps {
  databases: readonly DatabaseState[];
  /** True while older jobs are being loaded: an old backup may still be found. */
  isPartial: boolean;
  onStart: (database: DatabaseState) => void;
}

/** One sentence for all databases; below it, what is wrong with which and what to do. */
export function Verdict({ databases, isPartial, onStart }: VerdictProps) {
  const { mayStart } = useAbilities();
  const watched = databases.filter(({ health }) => health !== "target");
  const troubled = watched.filter(({ health }) => needsAttention(health));
  const backups = watched.flatMap(({ backup }) => (backup === null ? [] : [backup]));
  const isNew = watched.every(({ jobs }) => jobs.length === 0);
  if (isNew && troubled.every(({ health }) => health === "missing")) {
    return (
      <div class="verdict info">
        <Icon name="database" />
        <div>
          <p class="title">Nothing is backed up yet</p>
          <p>
            Start a first export now. Then schedule exports with <code>EXPORT_SCHEDULE</code>.
          </p>
        </div>
      </div>
    );
  }
  if (troubled.length === 0) {
    const oldest = backups.toSorted((a, b) => takenAtMs(a) - takenAtMs(b))[0];
    return (
      <div class="verdict ok">
        <Icon name="check" />
        <div>
          <p class="title">
            {watched.length === 1
              ? "Your database is backed up"
              : `All ${watched.length} databases are backed up`}
          </p>
          {oldest !== undefined && (
            <p>
              {watched.length === 1 ? "The backup" : "The oldest of the newest backups"} was taken{" "}
              <Time at={new Date(takenAtMs(oldest)).toISOString()} />.
            </p>
          )}
        </div>
      </div>
    );
  }
  const isBad = troubled.some(({ health }) => health !== "late");
  return (
    <section class={`verdict ${isBad ? "bad" : "warn"}`} aria-labelledby="verdict">
      <Icon name="warning" />
      <div>
        <h2 id="verdict" class="title">
          {troubled.length} of {formatNumberOf(watched.length, "database")}{" "}
          {troubled.length === 1 ? "needs" : "need"} attention
        </h2>
        {isPartial && <p>Older exports are still being read.</p>}
        <ul class="troubles">
          {troubled.slice(0, TROUBLES_SHOWN).map((database) => (
            <li key={database.key}>
              <div>
                <a class="strong" href={links.database(database.key)}>
                  {database.label}
                </a>
                <p>{database.trouble?.what}</p>
                <p class="advice">
                  <strong>What to do:</strong> <Hint text={database.trouble?.advice ?? ""} />
                </p>
              </div>
              <div class="actions">
                {database.ended?.status === "failed" && (
                  <a class="button" href={links.export(database.ended.jobId)}>
                    Show the failure
                  </a>
                )}
                {mayStart && database.running === null && database.health !== "unusable" && (
                  <button type="button" onClick={() => onStart(database)}>
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
