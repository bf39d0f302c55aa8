// Which variant a user has, and why: the draws, their ranges, and the command that recomputes them.

import { at, get } from "./api.js";
import { badge, fill, h, table } from "./dom.js";
import { working } from "./feedback.js";
import { count, time } from "./format.js";
import { snippet } from "./teach.js";

// The page of its own asks in which experiments a user is; inside an experiment, why the user has a variant.
export async function view() {
  return { title: "Assignments", element: h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "Assignments"), h("section", { class: "card" }, h("h2", {}, "Which experiments is a user in?"), lookup(null))) };
}

export function lookup(experimentId) {
  const user = h("input", { id: "user", name: "user", required: true, maxlength: 256, autocapitalize: "none", spellcheck: "false" });
  const button = h("button", { class: "primary" }, "Look up");
  const place = h("div", { "aria-live": "polite" });
  const ask = async (event) => {
    event.preventDefault();
    const asked = encodeURIComponent(user.value);
    await working(button, place, async () => {
      if (experimentId) fill(place, explanation(await get(at(experimentId, `/assignments?user_id=${asked}&explain=true`))));
      else fill(place, memberships(await get(`/assignments?user_id=${asked}`)));
    });
  };
  return h("form", { class: "stack", onsubmit: ask },
    h("div", { class: "row bottom" }, h("div", { class: "grow" }, h("label", { for: "user" }, "User id"), user), button), place);
}

function memberships(answer) {
  if (!answer.assignments.length) return h("p", { class: "soft" }, "This user is in no experiment. Looking does not assign anybody.");
  return table(`Experiments of ${answer.user_id}`, [
    { title: "Experiment", cell: (each) => h("a", { href: `#/experiments/${encodeURIComponent(each.experiment_id)}` }, each.experiment_id) },
    { title: "Variant", cell: (each) => each.variant },
    { title: "Since", cell: (each) => time(each.assigned_at) },
  ], answer.assignments);
}

const REASONS = { stored: "was assigned", override: "has an override: never stored, never counted", assigned: "was assigned" };

function explanation(found) {
  const { traffic, variant, salt, buckets } = found.explanation;
  const drawn = traffic.in_traffic ? `The draw gives ${variant.drawn}.` : "The draw leaves this user out of the traffic.";
  return h("div", { class: "stack" },
    h("p", {}, h("strong", {}, found.user_id), " ", found.variant
      ? [REASONS[found.reason] ?? found.reason, ": ", badge(found.variant, "accent"), found.assigned_at ? ` since ${time(found.assigned_at)}` : "", found.imported ? ", imported" : ""]
      : ["has no assignment here. ", drawn]),
    h("dl", { class: "facts" },
      h("dt", {}, "Salt"), h("dd", {}, h("code", {}, salt)),
      h("dt", {}, "Traffic"), h("dd", {}, `bucket ${count(traffic.bucket)} of ${count(buckets)}; takes part below ${count(traffic.enrolled_below)}`),
      h("dt", {}, "Variant"), h("dd", {}, `bucket ${count(variant.bucket)}: ${variant.drawn}`)),
    table("Ranges of the variants", [
      { title: "Variant", cell: (each) => each.variant },
      { title: "From", number: true, cell: (each) => count(each.from) },
      { title: "Below", number: true, cell: (each) => count(each.below) },
    ], variant.ranges),
    h("p", { class: "small soft" }, "Recompute the bucket of the variant anywhere:"),
    snippet(variant.recompute, "Command that recomputes the bucket"));
}
