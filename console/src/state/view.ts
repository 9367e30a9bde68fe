// What the reader looks at: page, time range and filters. All of it stands in the address, so that a link shows the same.

import { useEffect, useState } from "preact/hooks";

/** Ranges that count back from now. */
export const RANGES = ["15m", "1h", "24h", "7d", "30d", "month"] as const;

export interface View {
  path: string;
  /** One of RANGES, or "custom". */
  range: string;
  /** For "custom": as the collector reads times. */
  since: string;
  until: string;
  gateway: string;
  group: string;
  live: boolean;
  /** Everything else, which belongs to one page. */
  extra: Record<string, string>;
}

const DEFAULT_RANGE = "24h";
const OWN = new Set(["range", "since", "until", "gateway", "group", "live"]);

export function readView(path: string, search: string): View {
  const query = new URLSearchParams(search);
  const since = query.get("since") ?? "";
  const range = query.get("range") ?? (since ? "custom" : DEFAULT_RANGE);
  const known = (RANGES as readonly string[]).includes(range) || (range === "custom" && since !== "");
  const extra: Record<string, string> = {};
  for (const [name, value] of query) if (!OWN.has(name)) extra[name] = value;
  return {
    path: path.replace(/\/+$/, "") || "/",
    range: known ? range : DEFAULT_RANGE,
    since,
    until: query.get("until") ?? "",
    gateway: query.get("gateway") ?? "",
    group: query.get("group") ?? "",
    live: query.get("live") !== "0",
    extra,
  };
}

/** The address of a view; what is as usual is left out. */
export function addressOf(view: View): string {
  const query = new URLSearchParams();
  if (view.range === "custom") {
    query.set("since", view.since);
    if (view.until) query.set("until", view.until);
  } else if (view.range !== DEFAULT_RANGE) query.set("range", view.range);
  if (view.gateway) query.set("gateway", view.gateway);
  if (view.group) query.set("group", view.group);
  if (!view.live) query.set("live", "0");
  for (const [name, value] of Object.entries(view.extra)) if (value) query.set(name, value);
  const text = query.toString();
  return view.path + (text ? `?${text}` : "");
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LENGTH: Record<string, number> = { "15m": 15 * MINUTE, "1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY };

/** Begin and end of what is looked at, Unix milliseconds. */
export function bounds(view: View, now: number): { from: number; to: number } {
  if (view.range === "month") {
    const date = new Date(now);
    return { from: Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1), to: now };
  }
  if (view.range === "custom") {
    const from = Date.parse(view.since);
    const to = view.until ? Date.parse(view.until) : now;
    if (Number.isFinite(from) && Number.isFinite(to)) return { from, to };
  }
  return { from: now - (LENGTH[view.range] ?? DAY), to: now };
}

const iso = (moment: number) => new Date(moment).toISOString().replace(/\.\d+Z$/, "Z");

/** The parameters that ask the collector for this view. Without `until` where the range ends now. */
export function asked(view: View, now: number): Record<string, string> {
  const { from, to } = bounds(view, now);
  return {
    since: view.range in LENGTH ? view.range : iso(from),
    ...(view.range === "custom" && view.until ? { until: iso(to) } : {}),
    ...(view.gateway ? { gateway_id: view.gateway } : {}),
    ...(view.group ? { model_group: view.group } : {}),
  };
}

/** The month that is looked at, as `2026-11`; empty for any other range. Months are UTC. */
export function monthOf(view: View, now: number): string {
  if (view.range === "month") return iso(now).slice(0, 7);
  if (view.range !== "custom") return "";
  const { from, to } = bounds(view, now);
  const month = iso(from).slice(0, 7);
  return from === startOf(month) && to === startOf(month, 1) ? month : "";
}

/** What to look at to see a month. */
export function viewOfMonth(month: string, now: number): Pick<View, "range" | "since" | "until"> {
  if (month === iso(now).slice(0, 7)) return { range: "month", since: "", until: "" };
  return { range: "custom", since: iso(startOf(month)), until: iso(startOf(month, 1)) };
}

/** First moment of the month that is `later` months after `month`. */
function startOf(month: string, later = 0): number {
  const [year = 1970, number = 1] = month.split("-").map(Number);
  return Date.UTC(year, number - 1 + later, 1);
}

/** What to compare with: for a month the same part of the month before, else the period of the same length right before. */
export function askedBefore(view: View, now: number): Record<string, string> {
  const { from, to } = bounds(view, now);
  const month = monthOf(view, now);
  if (!month) return { ...asked(view, now), since: iso(from - (to - from)), until: iso(from) };
  const before = startOf(month, -1);
  const until = view.range === "month" ? Math.min(from, before + (to - from)) : from;
  return { ...asked(view, now), since: iso(before), until: iso(until) };
}

/** How finely charts of this range are drawn. */
export function step(view: View, now: number): { dimension: "minute" | "hour" | "day"; ms: number } {
  const { from, to } = bounds(view, now);
  if (to - from <= 2 * HOUR) return { dimension: "minute", ms: MINUTE };
  if (to - from <= 8 * DAY) return { dimension: "hour", ms: HOUR };
  return { dimension: "day", ms: DAY };
}

const MOVED = "keeptrusts:moved";

/** Goes to another view; `replace` leaves no entry in the history. */
export function go(view: View, replace = false): void {
  const address = addressOf(view);
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  window.dispatchEvent(new Event(MOVED));
}

function current(): View {
  return readView(location.pathname, location.search);
}

/** The view of the address, and how to change it. */
export function useView(): [View, (change: Partial<View>, replace?: boolean) => void] {
  const [view, setView] = useState(current);
  useEffect(() => {
    const read = () => setView(current());
    window.addEventListener("popstate", read);
    window.addEventListener(MOVED, read);
    return () => {
      window.removeEventListener("popstate", read);
      window.removeEventListener(MOVED, read);
    };
  }, []);
  return [view, (change, replace) => go({ ...current(), ...change }, replace)];
}
