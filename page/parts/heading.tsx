import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface HeadingProps {
  title: string;
  badge?: ComponentChildren;
  actions?: ComponentChildren;
}

/** The first screen leaves the focus at the start of the page, before the navigation. */
let isFirstScreen = true;

/** A screen's title. It takes the focus when the screen appears, so that screen readers say it. */
export function Heading({ title, badge, actions }: HeadingProps) {
  const element = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Durable Export`;
    if (isFirstScreen) isFirstScreen = false;
    else element.current?.focus({ preventScroll: true });
    globalThis.scrollTo(0, 0);
  }, []);
  useEffect(() => {
    document.title = `${title} · Durable Export`;
  }, [title]);
  return (
    <div class="heading">
      <h1 ref={element} tabIndex={-1}>
        {title}
      </h1>
      {badge}
      <div class="actions">{actions}</div>
    </div>
  );
}
