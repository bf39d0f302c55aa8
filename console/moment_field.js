// A moment: shown and chosen in the reader's own time, sent in UTC.

import { h } from "./dom.js";

export function moment(iso, props = {}) {
  const shown = iso ? local(new Date(iso)) : "";
  const input = h("input", { type: "datetime-local", value: shown, ...props });
  input.dataset.iso = iso ?? "";
  input.dataset.shown = shown;
  return input;
}

// Null when empty; what was not touched keeps its seconds.
export function asMoment(input) {
  if (!input.value) return null;
  return input.value === input.dataset.shown ? input.dataset.iso : new Date(input.value).toISOString();
}

function local(date) {
  return new Date(date.getTime() - 60_000 * date.getTimezoneOffset()).toISOString().slice(0, 16);
}
