// Which variant a user has, and why: the draws, their ranges, and the command that recomputes them.

import { all, get } from "./api.js";
import { badge, fill, h, table } from "./dom.js";
import { working } from "./feedback.js";
import { count, time } from "./format.js";
import { variantTitle } from "./naming.js";
import { snippet } from "./teach.js";
import { variantMark } from "./variant_mark.js";

export async function view(_, me) {
  const asked = userForm("Look up", async (user, place) => {
    const [answer, known] = await Promise.all([get(`/assignments?user_id=${encodeURIComponent(user)}`),
        knownExperiments(me)]);
    fill(place, memberships(answer, known));
  });
  return { title: "Assignments", element: h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "Assignments"),
    h("section", { class: "card" }, h("h2", {}, "Which experiments is a user in?"), asked)) };
}

// A form that asks for a user; `answer(user, place)` shows what is known of it.
export function userForm(label, answer) {
  const user = h("input", { id: "user", name: "user", required: true, maxlength: 256, autocapitalize: "none",
      spellcheck: "false" });
  const button = h("button", { class: "primary" }, label);
  const place = h("div", { "aria-live": "polite" });
  const ask = async (event) => {
    event.preventDefault();
    await working(button, place, () => answer(user.value, place));
  };
  return h("form", { class: "stack", onsubmit: ask },
    h("div", { class: "row bottom asked" }, h("div", { class: "grow" }, h("label", { for: "user" }, "User id"), user),
      button), place);
}

// Experiments by id, to call them by name; an archived one, which the list leaves out, goes by its id.
export async function knownExperiments(me) {
  const { items } = me.scopes.includes("experiments:read") ? await all("/experiments", "experiments") : { items: [] };
  return new Map(items.map((each) => [each.id, each]));
}

// The columns of an assignment: what it is in, and which variant it is.
export function assignmentColumns(known) {
  return [
    { title: "Experiment", cell: (each) => h("a", { href: `#/experiments/${encodeURIComponent(each.experiment_id)}` },
        known.get(each.experiment_id)?.name ?? each.experiment_id) },
    { title: "Variant", cell: (each) => [known.has(each.experiment_id)
        ? variantMark(known.get(each.experiment_id), each.variant) : h("code", {}, each.variant),
        each.imported ? [" ", badge("imported")] : null] },
    { title: "Since", cell: (each) => time(each.assigned_at) },
  ];
}

function memberships(answer, known) {
  if (!answer.assignments.length) return h("p", { class: "soft" },
    "This user is in no experiment. Looking does not assign anybody.");
  return table(`Experiments of ${answer.user_id}`, assignmentColumns(known), answer.assignments);
}

const REASONS = { stored: "was assigned", override: "has an override: never stored, never counted",
  assigned: "was assigned" };

export function explanation(experiment, found) {
  const { traffic, variant, salt, buckets } = found.explanation;
  const drawn = traffic.in_traffic ? `The draw would give ${variantTitle(experiment, variant.drawn)}.`
    : "The draw leaves this user out of the traffic.";
  return h("div", { class: "stack" },
    h("p", {}, h("strong", {}, found.user_id), " ", found.variant
      ? [REASONS[found.reason] ?? found.reason, ": ", badge(variantTitle(experiment, found.variant), "accent"),
        found.assigned_at ? ` since ${time(found.assigned_at)}` : "",
        found.imported ? ". The assignment was imported, so the draw was not used." : ""]
      : ["has no assignment here. ", drawn]),
    h("details", {}, h("summary", {}, "How the draw goes"), h("div", { class: "stack tight" },
      h("dl", { class: "facts" },
        h("dt", {}, "Salt"), h("dd", {}, h("code", {}, salt)),
        h("dt", {}, "Traffic"), h("dd", {},
          `bucket ${count(traffic.bucket)} of ${count(buckets)}; takes part below ${count(traffic.enrolled_below)}`),
        h("dt", {}, "Variant"), h("dd", {}, `bucket ${count(variant.bucket)}: `, h("code", {}, variant.drawn))),
      table("Ranges of the variants", [
        { title: "Variant", cell: (each) => h("code", {}, each.variant) },
        { title: "From", number: true, cell: (each) => count(each.from) },
        { title: "Below", number: true, cell: (each) => count(each.below) },
      ], variant.ranges, { hideCaption: true }),
      h("p", { class: "small soft" }, "Recompute the bucket of the variant anywhere:"),
      snippet(variant.recompute, "Command that recomputes the bucket"))));
}
