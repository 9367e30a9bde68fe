// Numbers and times as people read them. The browser's language decides separators and order.

/** Shown where there is no value: never 0, which would be one. */
export const NONE = "–";
/** Shown for money whose price is not known. */
export const UNKNOWN = "unknown";

type Maybe = number | null | undefined;

function number(value: number, options: Intl.NumberFormatOptions, locale?: string): string {
  return new Intl.NumberFormat(locale, options).format(value);
}

/** A count: whole, thousands separated. */
export function count(value: Maybe, locale?: string): string {
  return value == null ? NONE : number(Math.round(value), {}, locale);
}

/** A count in few characters, for cards and axes. */
export function compact(value: Maybe, locale?: string): string {
  if (value == null) return NONE;
  return Math.abs(value) < 10_000
    ? number(value, { maximumFractionDigits: value < 10 ? 1 : 0 }, locale)
    : number(value, { notation: "compact", maximumFractionDigits: 1 }, locale);
}

/** A share of 1 in percent; small shares keep two digits. */
export function percent(value: Maybe, locale?: string): string {
  if (value == null) return NONE;
  const digits = value !== 0 && (Math.abs(value) < 0.01 || (value > 0.99 && value < 1)) ? 2 : 1;
  return number(value, { style: "percent", maximumFractionDigits: digits }, locale);
}

/** Milliseconds; from ten seconds on in seconds, from two minutes on in minutes. */
export function millis(value: Maybe, locale?: string): string {
  if (value == null) return NONE;
  if (value >= 120_000) return `${number(value / 60_000, { maximumFractionDigits: 1 }, locale)} min`;
  if (value >= 10_000) return `${number(value / 1_000, { maximumFractionDigits: 1 }, locale)} s`;
  return `${number(value, { maximumFractionDigits: value < 10 ? 1 : 0 }, locale)} ms`;
}

/** US dollars: to the cent from $1 on, three significant digits below. A price that is not known is said to be so. */
export function usd(value: Maybe, locale?: string): string {
  if (value == null) return UNKNOWN;
  const options: Intl.NumberFormatOptions =
    value === 0 || Math.abs(value) >= 1
      ? { minimumFractionDigits: 2, maximumFractionDigits: 2 }
      : { maximumSignificantDigits: 3 };
  return number(value, { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", ...options }, locale);
}

/** Seconds as the two largest units: `3 d 4 h`, `12 min`, `8 s`. */
export function duration(seconds: Maybe): string {
  if (seconds == null) return NONE;
  const whole = Math.max(0, Math.floor(seconds));
  const units: [string, number][] = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ];
  const parts: string[] = [];
  let rest = whole;
  for (const [name, size] of units) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) parts.push(`${n} ${name}`);
    if (parts.length === 2 || (parts.length === 1 && n === 0)) break;
  }
  return parts.length ? parts.join(" ") : "0 s";
}

/** How the value differs from the one before, in percent of that; null where nothing can be compared. */
export function change(now: Maybe, before: Maybe): number | null {
  return now == null || before == null || before === 0 ? null : (now - before) / before;
}

/** Time of day in the viewer's zone; with the day if it is not today. */
export function time(value: string | number, now = Date.now(), locale?: string): string {
  const date = new Date(value);
  const today = new Date(now).toDateString() === date.toDateString();
  return new Intl.DateTimeFormat(
    locale,
    today ? { timeStyle: "medium" } : { dateStyle: "short", timeStyle: "medium" },
  ).format(date);
}

/** The same moment in UTC, for tooltips. */
export function utc(value: string | number): string {
  return `${new Date(value).toISOString().replace("T", " ").slice(0, 19)} UTC`;
}

/** Words for a reason or code: `upstream_rate_limited` → `rate limited`. */
export function words(code: string | null | undefined): string {
  return code ? code.replace(/^upstream_/, "").replaceAll("_", " ") : "";
}
