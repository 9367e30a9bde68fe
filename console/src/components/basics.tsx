// Small parts that every page uses.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { HealthStatus } from "../api/types";
import { time, utc } from "../lib/format";
import { go, readView } from "../state/view";

/** A link within the console: keeps range and filters unless the address says otherwise. */
export function Link(props: {
  to: string;
  class?: string;
  current?: boolean;
  title?: string;
  children: ComponentChildren;
}) {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    const url = new URL(props.to, location.origin);
    go(readView(url.pathname, url.search));
    window.scrollTo(0, 0);
  };
  return (
    <a
      href={props.to}
      class={props.class}
      title={props.title}
      aria-current={props.current ? "page" : undefined}
      onClick={follow}
    >
      {props.children}
    </a>
  );
}

const SHAPE: Record<HealthStatus, string> = { healthy: "●", degraded: "▲", unhealthy: "■" };

/** A state in colour, shape and word. */
export function Health({ status, reason }: { status: HealthStatus; reason?: string | null }) {
  return (
    <span class={`state ${status}`}>
      <span aria-hidden="true">{SHAPE[status]}</span> {status}
      {reason ? <span class="quiet"> {reason.replaceAll("_", " ")}</span> : null}
    </span>
  );
}

/** A moment in the viewer's zone, in UTC on hover. */
export function Moment({ at }: { at: string | number | null | undefined }) {
  if (at == null) return <>–</>;
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={utc(at)}>
      {time(at)}
    </time>
  );
}

export function Card(props: {
  title?: string;
  children: ComponentChildren;
  aside?: ComponentChildren;
  class?: string;
}) {
  return (
    <section class={`card ${props.class ?? ""}`} aria-label={props.title}>
      {props.title ? (
        <header>
          <h2>{props.title}</h2>
          {props.aside}
        </header>
      ) : null}
      {props.children}
    </section>
  );
}

/** Says what would fill an empty page, with the command that does. */
export function Empty({ children, command }: { children: ComponentChildren; command?: string }) {
  return (
    <div class="empty">
      <p>{children}</p>
      {command ? <Copy text={command} /> : null}
    </div>
  );
}

/** Text to copy, such as a command, an id or a key that is shown once. */
export function Copy({ text, label }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <span class="copy">
      <code>{label ?? text}</code>
      <button type="button" class="small" onClick={copy} aria-label={`Copy ${label ?? text}`}>
        {copied ? "Copied" : "Copy"}
      </button>
    </span>
  );
}

export function Problem({ error }: { error: Error | undefined }) {
  return error ? (
    <p class="problem" role="alert">
      {error.message}
    </p>
  ) : null;
}

/** Grey bars while the first answer is under way. */
export function Skeleton({ lines = 4 }: { lines?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}

/** What is used of a limit. */
export function Meter({ value, limit, label }: { value: number; limit: number; label: string }) {
  const share = limit > 0 ? value / limit : 0;
  const mood = share >= 1 ? "unhealthy" : share >= 0.8 ? "degraded" : "healthy";
  return (
    <span
      class={`meter ${mood}`}
      role="meter"
      aria-label={label}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <span style={{ width: `${Math.min(100, share * 100)}%` }} />
    </span>
  );
}
