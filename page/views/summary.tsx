import { costOfUsage } from "../format/cost.ts";
import { DAY_MS } from "../format/times.ts";
import { Fact } from "../parts/fact.tsx";
import { Bytes, Count, Dollars } from "../parts/values.tsx";
import type { DatabaseState } from "../state/databases.ts";
import type { FleetState } from "../state/fleets.ts";
import { storedBytesOf } from "../state/job-facts.ts";
import { useNow, usePageData } from "../state/page-context.ts";

interface SummaryProps {
  databases: readonly DatabaseState[];
  fleetStates: readonly FleetState[];
}

/** The totals of all databases and fleets; nothing before the first backup. */
export function Summary({ databases, fleetStates }: SummaryProps) {
  const { exports, fleets } = usePageData();
  const now = useNow(30_000);
  const backups = databases.flatMap(({ backup }) => (backup === null ? [] : [backup]));
  const fleetBytes = fleetStates.map(({ backup }) => backup?.progress.bytes ?? 0);
  if (backups.length === 0 && sum(fleetBytes) === 0) return null;
  const isRecent = ({ createdAt }: { createdAt: string }): boolean =>
    now - Date.parse(createdAt) < DAY_MS;
  const recent = exports.jobs.filter(isRecent);
  const used = [...recent, ...fleets.jobs.filter(isRecent)];
  const failed = recent.filter(({ status }) => status === "failed").length;
  const proved = backups.filter(({ proof }) => proof.state === "proved").length;
  return (
    <dl class="facts totals">
      <Fact name="Newest backups, together">
        <Bytes value={sum([...backups.map(storedBytesOf), ...fleetBytes])} />
      </Fact>
      <Fact name="Proved by a restore">
        {proved} of {backups.length}
      </Fact>
      <Fact name="Exports in the last 24 h">
        <Count value={recent.length} />
        {failed > 0 && <span class="failed"> {failed} failed</span>}
      </Fact>
      <Fact name="Cost of the last 24 h">
        <Dollars
          value={sum(used.map(({ usage }) => costOfUsage(usage)))}
          title="Beyond what the paid plan includes, without storage"
        />
      </Fact>
    </dl>
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
