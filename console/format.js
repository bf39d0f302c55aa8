// Numbers, shares and times as people read them; a dash for what cannot be computed.

export const NONE = "–";
const TENFOLD = 10; // a lift whose interval is wider says only that the control hardly ever did it
const MINUS = "−";
const LANGUAGE = navigator.language.startsWith("en") ? navigator.language : "en-GB"; // the page is English
const whole = new Intl.NumberFormat(LANGUAGE);
const missing = (value) => value === null || value === undefined;
const sign = (value) => (value > 0 ? "+" : value < 0 ? MINUS : "");
const below = (value) => (value < 0 ? MINUS : "");

export const count = (value) => (missing(value) ? NONE : `${below(value)}${whole.format(Math.abs(value))}`);

export function percent(value, digits = 1) {
  return missing(value) ? NONE : `${below(value)}${(100 * Math.abs(value)).toFixed(digits)}%`;
}

// A chance is never shown as certain.
export function chance(value) {
  if (missing(value)) return NONE;
  return value > 0.999 ? "> 99.9%" : value < 0.001 ? "< 0.1%" : percent(value);
}

export function signedPercent(value, digits = 1) {
  return missing(value) ? NONE : `${sign(Number((100 * value).toFixed(digits)))}${percent(Math.abs(value), digits)}`; // no sign for what rounds to nothing
}

// A difference in the metric's own units: points of a rate, else an amount per user.
export function signedAmount(value, kind) {
  if (missing(value)) return NONE;
  if (kind === "conversion") return `${sign(value)}${(100 * Math.abs(value)).toFixed(2)} points`;
  return `${sign(value)}${decimal(Math.abs(value), 3)}`;
}

// An estimate with its interval, as the sentence gives it: relative where the control allows, else in units.
export function effect({ difference, interval, lift, lift_interval }, kind) {
  const relative =
    lift !== null && lift_interval !== null && lift * difference >= 0 && lift_interval[1] - lift_interval[0] <= TENFOLD;
  const each = relative ? signedPercent : (value) => signedAmount(value, kind);
  return { relative, estimate: each(relative ? lift : difference),
    interval: range(relative ? lift_interval : interval, each) };
}

export function decimal(value, digits = 4) {
  if (missing(value)) return NONE;
  const size = Math.abs(value);
  return `${below(value)}${size >= 1000 ? whole.format(Math.round(size)) : String(Number(size.toPrecision(digits)))}`;
}

// The unit of points stands once, behind both ends.
export function range(interval, each) {
  if (!interval) return NONE;
  const [low, high] = interval.map((value) => each(value));
  return `${low.replace(/ points$/, "")} to ${high}`;
}

export function pValue(value) {
  if (missing(value)) return NONE;
  return value < 0.001 ? "< 0.001" : value.toFixed(3);
}

// A text of the platform, with the minus signs and the days of print.
export const printed = (text) => text.replace(/\b\d{4}-\d\d-\d\d\b/g, (found) => utcDay(found))
  .replace(/(^|[\s(])-(?=[\d.])/g, `$1${MINUS}`);

const CLOCK = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium" });
const UTC_DAY = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeZone: "UTC" });
const SHORT_UTC_DAY = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", timeZone: "UTC" });
const SECOND = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "medium" });
const HOUR = new Intl.DateTimeFormat(LANGUAGE, { timeStyle: "short" });

// Times are the reader's own; days that the platform counts by are UTC's, whatever the reader's are.
const unbroken = (text) => text.replace(/ (?=[AP]M$)/i, "\u00a0");
export const time = (text) => (text ? unbroken(CLOCK.format(new Date(text))) : NONE);
export const second = (text) => (text ? unbroken(SECOND.format(new Date(text))) : NONE);
export const hour = (text) => (text ? unbroken(HOUR.format(new Date(text))) : NONE);
export const day = (text) => (text ? DAY.format(new Date(text)) : NONE);
export const utcDay = (text) => (text ? UTC_DAY.format(new Date(text.slice(0, 10))) : NONE);
export const shortDay = (text) => (text ? SHORT_UTC_DAY.format(new Date(text.slice(0, 10))) : NONE);

const AGO = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });
const UNITS = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1000]];

export function ago(text) {
  if (!text) return NONE;
  const passed = Date.parse(text) - Date.now();
  const [unit, size] = UNITS.find(([, each]) => Math.abs(passed) >= each) ?? UNITS.at(-1);
  return AGO.format(Math.trunc(passed / size), unit);
}

export function daysBetween(start, end) {
  return start ? Math.max(0, Math.floor((Date.parse(end ?? new Date().toISOString()) - Date.parse(start)) / 86_400_000))
    : null;
}

export const words = (text) => text.replaceAll("_", " ");
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
