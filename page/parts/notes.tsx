import type { ComponentChildren } from "preact";

import type { Problem } from "../state/problem.ts";
import { Hint } from "./hint.tsx";
import { Icon, type IconName } from "./icon.tsx";

interface NoteProps {
  tone: "ok" | "warn" | "bad" | "info";
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  /** `alert` for what a screen reader must say at once. */
  role?: "alert" | "status";
}

/** A colored box with an icon. */
export function Note({ tone, icon, title, children, role }: NoteProps) {
  return (
    <div class={`note ${tone}`} role={role}>
      <Icon name={icon} />
      <div>
        <p class="strong">{title}</p>
        {children}
      </div>
    </div>
  );
}

/** A failed call: what happened, and what to do. */
export function ProblemNote({ problem }: { problem: Problem }) {
  return (
    <Note
      tone={problem.isOffline ? "warn" : "bad"}
      icon={problem.isOffline ? "offline" : "warning"}
      title={problem.what}
      role="alert"
    >
      <p>
        <Hint text={problem.advice} />
      </p>
    </Note>
  );
}

/** What a list shows if it has no entries. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name="database" />
      <p class="strong">{title}</p>
      {children}
    </div>
  );
}

/** The shape of what is being loaded. */
export function Skeleton({ lines }: { lines: number }) {
  return (
    <div class="skeleton" aria-busy="true">
      <p class="hidden" role="status">
        Loading…
      </p>
      {Array.from({ length: lines }, (_, at) => (
        <div key={at} class="bar" />
      ))}
    </div>
  );
}
