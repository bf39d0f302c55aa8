// What an experiment's form can say by itself, all of it in one pass; the server has the last word.

import { isFilled } from "./audience.js";

const PROGRAM = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const TYPE = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
const KEY_WORDS = "Letters, digits, - and _, at most 64, beginning with a letter or digit.";
const STEPS = 10_000;

// Returns the faults as [{ pointer, detail }], in the order of the form.
export function faultsOf(body) {
  const faults = [];
  const fault = (pointer, detail) => faults.push({ pointer, detail });
  if (!body.name.trim()) fault("/name", "Give the experiment a name.");
  if (body.id && !ID.test(body.id)) fault("/id",
    "Small letters, digits, - . and _, at most 64, beginning with a letter or digit.");
  keys(body.variants, "variant", fault, "/variants");
  for (const [index, each] of body.variants.entries()) {
    if (each.weight === null || Number.isNaN(each.weight)) fault(`/variants/${index}/weight`,
      "Give the variant a weight; 0 is allowed.");
    if (typeof each.config === "string" && each.broken) fault(`/variants/${index}/config`,
      "This is not valid JSON; text needs quotation marks.");
  }
  const total = body.variants.reduce((all, each) => all + Math.round((each.weight ?? 0) * STEPS), 0) / STEPS;
  if (total !== 100) fault("/variants", `The weights sum to ${total}%, not to 100%.`);
  keys(body.metrics, "metric", fault, "/metrics");
  for (const [index, each] of body.metrics.entries()) {
    if (!each.event_type) fault(`/metrics/${index}/event_type`, "Say which events it counts.");
    else if (!TYPE.test(each.event_type)) fault(`/metrics/${index}/event_type`,
      "Letters, digits and . _ : -, at most 64, beginning with a letter or digit.");
  }
  keys(body.segments, "segment", fault, "/segments");
  for (const [index, each] of body.segments.entries()) if (!each.values.length) fault(`/segments/${index}/values`,
    "Name at least one value.");
  for (const [index, each] of (body.override_lines ?? []).entries()) if (!each.user) fault(`/override_lines/${index}`,
    "Name the user, or remove the line.");
  for (const [index, each] of (body.audience_lines ?? []).entries()) {
    if (!isFilled(each)) fault(`/audience_lines/${index}/${each.key ? "value" : "key"}`,
      each.key ? "Say which value, or remove the line." : "Name the context key, or remove the line.");
  }
  if (typeof body.audience === "string") fault("/audience",
    "This is not valid JSON; keys and text need quotation marks.");
  if (body.layer && !ID.test(body.layer.key)) fault("/layer/key",
    "Small letters, digits, - . and _, at most 64, beginning with a letter or digit.");
  if (body.prerequisite && !body.prerequisite.variants.length) fault("/prerequisite/variants",
    "Name at least one of its variants.");
  for (const [index, each] of (body.schedule?.ramp ?? []).entries()) {
    if (!each.at) fault(`/schedule/ramp/${index}/at`, "Say from when on.");
    if (each.percent === null) fault(`/schedule/ramp/${index}/percent`, "Say how many percent of users.");
  }
  if (!(body.traffic_allocation >= 0 && body.traffic_allocation <= 100)) fault("/traffic_allocation",
    "A share from 0 to 100.");
  if (body.analysis === "group_sequential" && !body.planned_users) fault("/planned_users",
    "Group sequential analysis needs it: its looks are shares of it.");
  return faults;
}

function keys(lines, what, fault, pointer) {
  const seen = new Set();
  for (const [index, { key }] of lines.entries()) {
    if (!key) fault(`${pointer}/${index}/key`, `Give the ${what} a key.`);
    else if (!PROGRAM.test(key)) fault(`${pointer}/${index}/key`, KEY_WORDS);
    else if (seen.has(key)) fault(`${pointer}/${index}/key`, `Two ${what}s are called ${key}.`);
    seen.add(key);
  }
}
