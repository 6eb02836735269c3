/** A screen. The address's fragment names it, so that a link to it can be shared. It never contains a token. */
export type Route =
  | { screen: "overview" }
  | { screen: "exports"; status: string; database: string }
  | { screen: "restores" | "fleets" }
  | { screen: "export" | "restore" | "fleet"; jobId: string }
  | { screen: "database"; key: string };

/** Returns the screen that a fragment such as `#/exports/<id>` names. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [first = "", ...rest] = path.split("/");
  const [id] = rest;
  if (first === "databases" && id) return { screen: "database", key: rest.join("/") };
  if (first === "exports" && id) return { screen: "export", jobId: id };
  if (first === "restores") return id ? { screen: "restore", jobId: id } : { screen: "restores" };
  if (first === "fleets") return id ? { screen: "fleet", jobId: id } : { screen: "fleets" };
  if (first !== "exports") return { screen: "overview" };
  const filter = new URLSearchParams(query);
  return {
    screen: "exports",
    status: filter.get("status") ?? "",
    database: filter.get("database") ?? "",
  };
}

export const links = {
  overview: "#/",
  exports: "#/exports",
  restores: "#/restores",
  fleets: "#/fleets",
  export: (jobId: string): string => `#/exports/${encodeURIComponent(jobId)}`,
  restore: (jobId: string): string => `#/restores/${encodeURIComponent(jobId)}`,
  fleet: (fleetId: string): string => `#/fleets/${encodeURIComponent(fleetId)}`,
  database: (key: string): string => `#/databases/${key}`,
  filtered: (filter: Record<string, string>): string => {
    const set = Object.entries(filter).filter(([, value]) => value !== "");
    return `#/exports${set.length === 0 ? "" : `?${new URLSearchParams(set).toString()}`}`;
  },
};
