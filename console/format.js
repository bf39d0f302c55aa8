// Numbers, shares and times as people read them; a dash for what cannot be computed.

const NONE = "–";
const TENFOLD = 10; // a lift whose interval is wider says only that the control hardly ever did it
const whole = new Intl.NumberFormat("en");

export const count = (value) => (value === null || value === undefined ? NONE : whole.format(value));

export function percent(value, digits = 1) {
  return value === null || value === undefined ? NONE : `${(100 * value).toFixed(digits)}%`;
}

// A chance is never shown as certain.
export function chance(value) {
  if (value === null || value === undefined) return NONE;
  return value > 0.999 ? "> 99.9%" : value < 0.001 ? "< 0.1%" : percent(value);
}

export function signedPercent(value, digits = 1) {
  if (value === null || value === undefined) return NONE;
  return `${sign(value)}${percent(Math.abs(value), digits)}`;
}

// A difference in the metric's own units: points of a rate, else an amount per user.
export function signedAmount(value, kind) {
  if (value === null || value === undefined) return NONE;
  if (kind === "conversion") return `${sign(value)}${(100 * Math.abs(value)).toFixed(2)} points`;
  return `${sign(value)}${decimal(Math.abs(value), 3)}`;
}

const sign = (value) => (value > 0 ? "+" : value < 0 ? "−" : "");

// An estimate with its interval, as the sentence gives it: relative where the control allows, else in units.
export function effect({ difference, interval, lift, lift_interval }, kind) {
  const relative =
    lift !== null && lift_interval !== null && lift * difference >= 0 && lift_interval[1] - lift_interval[0] <= TENFOLD;
  const each = relative ? signedPercent : (value) => signedAmount(value, kind);
  return { estimate: each(relative ? lift : difference), interval: range(relative ? lift_interval : interval, each) };
}

export function decimal(value, digits = 4) {
  if (value === null || value === undefined) return NONE;
  return Math.abs(value) >= 1000 ? whole.format(Math.round(value)) : String(Number(value.toPrecision(digits)));
}

export const range = (interval, each) => (interval ? `${each(interval[0])} to ${each(interval[1])}` : NONE);

export function pValue(value) {
  if (value === null || value === undefined) return NONE;
  return value < 0.001 ? "< 0.001" : value.toFixed(3);
}

export const time = (text) => (text ? `${text.slice(0, 10)} ${text.slice(11, 16)} UTC` : NONE);
export const day = (text) => (text ? text.slice(0, 10) : NONE);

export function daysBetween(start, end) {
  return start ? Math.max(0, Math.floor((Date.parse(end ?? new Date().toISOString()) - Date.parse(start)) / 86_400_000)) : null;
}

export const words = (text) => text.replaceAll("_", " ");
