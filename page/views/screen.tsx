import { ProblemNote, Skeleton } from "../parts/notes.tsx";
import { usePage, usePageData } from "../state/page-context.ts";
import type { Route } from "../state/route.ts";
import { DatabaseView } from "./database-view.tsx";
import { ExportList } from "./export-list.tsx";
import { ExportView } from "./export-view.tsx";
import { FleetList } from "./fleet-list.tsx";
import { FleetScreen } from "./fleet-screen.tsx";
import { Overview } from "./overview.tsx";
import { RestoreList } from "./restore-list.tsx";
import { RestoreScreen } from "./restore-screen.tsx";

/** The screen that the address names, once the first answers have arrived. */
export function Screen({ route }: { route: Route }) {
  const { store } = usePage();
  const { isLoading, problem, checkedAtMs } = usePageData();
  if (isLoading) return <Skeleton lines={6} />;
  if (checkedAtMs === null && problem !== null) {
    return (
      <>
        <ProblemNote problem={problem} />
        <button type="button" onClick={() => void store.refresh()}>
          Try now
        </button>
      </>
    );
  }
  switch (route.screen) {
    case "overview":
      break;
    case "exports":
      return <ExportList status={route.status} database={route.database} />;
    case "restores":
      return <RestoreList />;
    case "export":
      return <ExportView key={route.jobId} jobId={route.jobId} />;
    case "fleets":
      return <FleetList />;
    case "fleet":
      return <FleetScreen key={route.jobId} fleetId={route.jobId} />;
    case "restore":
      return <RestoreScreen key={route.jobId} jobId={route.jobId} />;
    case "database":
      return <DatabaseView key={route.key} databaseKey={route.key} />;
  }
  return <Overview />;
}
