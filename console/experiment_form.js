// Creating an experiment, or changing what its status still lets change.

import { at, call } from "./api.js";
import { calculator } from "./calculator.js";
import { ANALYSIS } from "./definition.js";
import { h } from "./dom.js";
import { say, working } from "./feedback.js";
import { area, asNumber, choice, clearFaults, field, lock, number, showProblem, text } from "./form.js";
import { metricsEditor } from "./metrics_editor.js";
import { segmentsEditor } from "./segments_editor.js";
import { brokenConfig, variantsEditor } from "./variants_editor.js";

const NEW = {
  id: "", name: "", description: "", hypothesis: "", control: "control", traffic_allocation: 100, salt: null, segments: [], analysis: "sequential", adjustment: "cuped", cuped_days: 28,
  variants: [{ key: "control", weight: 50, config: null }, { key: "treatment", weight: 50, config: null }],
  metrics: [{ key: "", event_type: "", kind: "conversion", role: "primary", direction: "increase" }],
  planned_users: null, min_users: 150, min_days: 7, minimum_effect: null, overrides: {}, status: "draft",
};
const FIXED = "Fixed since the start: a change would move users or the verdict.";

export async function view(id) {
  const known = id ? await call("GET", at(id)) : { data: NEW, etag: null };
  const experiment = known.data;
  const parts = fields(experiment, id);
  const place = h("div");
  const button = h("button", { class: "primary" }, id ? "Save" : "Create draft");
  const submit = async (event) => {
    event.preventDefault();
    clearFaults(form);
    const body = parts.body();
    const broken = brokenConfig(form);
    if (broken) return showProblem(form, place, { status: 422, message: "The request is not valid.", errors: [broken] });
    await working(button, place, async () => {
      try {
        const { data } = id ? await call("PATCH", at(id), changes(experiment, body), { "If-Match": known.etag }) : await call("POST", "/experiments", body);
        say(id ? "Saved." : "The draft is there.");
        location.hash = `#/experiments/${encodeURIComponent(data.id)}`;
      } catch (problem) {
        if (!problem.errors) throw problem;
        showProblem(form, place, problem);
      }
    });
    return undefined;
  };
  const form = h("form", { class: "stack", novalidate: true, onsubmit: submit }, parts.elements, place,
    h("div", { class: "row end" }, h("a", { class: "button", href: id ? `#/experiments/${encodeURIComponent(id)}` : "#/experiments" }, "Cancel"), button));
  const helper = calculator({ weights: parts.weights, primaries: parts.primaries, analysis: parts.analysis, take: parts.plan });
  form.addEventListener("change", helper.compute);
  const title = id ? `Edit ${experiment.name}` : "New experiment";
  const element = h("div", { class: "stack" }, h("h1", { tabindex: -1 }, title), h("div", { class: "beside" }, form, h("aside", {}, helper.element)));
  return { title, element };
}

function fields(experiment, id) {
  const draft = experiment.status === "draft";
  const ended = experiment.status === "completed";
  const name = text(experiment.name, { required: true, maxlength: 200 });
  const own = text(experiment.id, { maxlength: 64, disabled: Boolean(id), autocapitalize: "none", spellcheck: "false" });
  const hypothesis = area(experiment.hypothesis, { rows: 2 });
  const description = area(experiment.description, { rows: 2 });
  const variants = variantsEditor(experiment);
  const metrics = metricsEditor(experiment.metrics);
  const segments = segmentsEditor(experiment.segments);
  const traffic = number(experiment.traffic_allocation, { min: 0, max: 100, required: true });
  const planned = number(experiment.planned_users, { min: 1, step: 1 });
  const effect = number(experiment.minimum_effect === null ? null : round(100 * experiment.minimum_effect), { min: 0 });
  const least = number(experiment.min_users, { min: 0, step: 1 });
  const days = number(experiment.min_days, { min: 0, step: 1 });
  const analysis = choice(Object.entries(ANALYSIS), experiment.analysis);
  const adjustment = choice([["cuped", "CUPED: by what users did before"], ["none", "None"]], experiment.adjustment);
  const history = number(experiment.cuped_days, { min: 1, max: 90, step: 1 });
  const plan = h("fieldset", {}, h("legend", {}, "Plan"), h("div", { class: "thirds" },
    field("Analysis", analysis, { pointer: "/analysis" }),
    field("Planned users", planned, { pointer: "/planned_users", hint: "All variants together." }),
    field("Minimum effect in percent", effect, { pointer: "/minimum_effect", hint: "Relative; less is not worth shipping." }),
    field("Users per variant before a verdict", least, { pointer: "/min_users" }),
    field("Days before a verdict", days, { pointer: "/min_days" }),
    field("Adjustment", adjustment, { pointer: "/adjustment", hint: "CUPED finds the same effect with fewer users." }),
    field("Days of history for it", history, { pointer: "/cuped_days", hint: "Before a user's assignment, 1 to 90." })));
  const trafficField = field("Traffic in percent", traffic, { pointer: "/traffic_allocation", hint: draft ? "Of all users; the others get no variant." : "May only grow while the experiment runs." });
  if (!draft) [variants.element, segments.element, plan].forEach((each) => lock(each, FIXED));
  if (ended) [metrics.element, trafficField].forEach((each) => lock(each, "The experiment is completed."));
  const card = (...children) => h("section", { class: "card stack" }, children);
  return {
    elements: [
      card(field("Name", name, { pointer: "/name" }), field("Id", own, { pointer: "/id", hint: id ? "Cannot change." : "What programs call it; made from the name when empty." }), field("Hypothesis", hypothesis, { pointer: "/hypothesis", hint: "What you expect, and why." }), field("Description", description, { pointer: "/description" })),
      card(variants.element), card(metrics.element), card(trafficField), card(segments.element), card(plan),
    ],
    variants: variants.values,
    weights: () => {
      const taking = variants.values().filter((each) => each.weight > 0);
      return taking.sort((one, other) => (other.key === variants.control()) - (one.key === variants.control())).map((each) => each.weight).join();
    },
    primaries: () => metrics.values().filter((each) => each.role === "primary").length,
    analysis: () => analysis.value,
    plan: (users, lift) => { if (!planned.disabled) { planned.value = users; effect.value = lift; planned.focus(); } },
    body: () => ({
      ...(own.value && !id ? { id: own.value } : {}),
      name: name.value, hypothesis: hypothesis.value, description: description.value,
      variants: variants.values(), control: variants.control(), metrics: metrics.values(), segments: segments.values(),
      traffic_allocation: asNumber(traffic), analysis: analysis.value, adjustment: adjustment.value, cuped_days: asNumber(history) ?? NEW.cuped_days, planned_users: asNumber(planned),
      minimum_effect: asNumber(effect) === null ? null : round(asNumber(effect) / 100), min_users: asNumber(least) ?? 0, min_days: asNumber(days) ?? 0,
    }),
  };
}

const round = (value) => Math.round(value * 1e6) / 1e6;

// What differs from what was read: fields that stay are not sent, so none is refused for standing still.
function changes(experiment, body) {
  const before = { ...experiment, metrics: experiment.metrics.map(({ declared_at, ...rest }) => rest) };
  const same = (one, other) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
  return Object.fromEntries(Object.entries(body).filter(([name, value]) => !same(value, before[name])));
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}
