// Creating an experiment, or changing what its status still lets change.

import { all, at, call, get } from "./api.js";
import { audienceEditor, layerEditor, prerequisiteEditor } from "./audience_editor.js";
import { calculator } from "./calculator.js";
import { ANALYSIS } from "./definition.js";
import { fill, h } from "./dom.js";
import { forget, keep, kept } from "./draft_keeping.js";
import { say, working } from "./feedback.js";
import { area, asNumber, choice, clearFaults, field, lock, number, showProblem, text } from "./form.js";
import { faultsOf } from "./form_rules.js";
import { time } from "./format.js";
import { metricsEditor } from "./metrics_editor.js";
import { overridesEditor } from "./overrides_editor.js";
import { guardEditor, scheduleEditor } from "./schedule_editor.js";
import { segmentsEditor } from "./segments_editor.js";
import { variantsEditor } from "./variants_editor.js";

const NEW = {
  id: "", name: "", description: "", hypothesis: "", control: "control", traffic_allocation: 100, salt: "",
    segments: [], analysis: "sequential", adjustment: "cuped", cuped_days: 28, count_from: "assignment",
  variants: [{ key: "control", weight: 50, config: null }, { key: "treatment", weight: 50, config: null }],
  metrics: [{ key: "", event_type: "", kind: "conversion", role: "primary", direction: "increase" }],
  planned_users: null, min_users: 150, min_days: 7, minimum_effect: null, overrides: {}, audience: null, layer: null,
    prerequisite: null, owner: "", tags: [], schedule: null, guard: { harm: "notify", mismatch: "notify" },
    status: "draft",
};
const FIXED = "Fixed since the start: a change would move users or the verdict.";

// Where the calculator is not beside the form, it comes after it.
const toCalculator = () => h("button",
  { type: "button", class: "link one-column",
    onclick: () => document.getElementById("calculator").scrollIntoView({ behavior: "smooth" }) },
  "How many do I need?");

export async function view(id, me, _, query) {
  const copied = query.get("copy");
  const known = id ? await call("GET", at(id)) : { data: copied ? copyOf(await get(at(copied))) : NEW, etag: null };
  const [types, layers, experiments] = await Promise.all([
    me.scopes.includes("events:read") ? all("/events/types", "types")
      .then(({ items }) => items.map((each) => each.type)) : null,
    ...[["/layers", "layers"], ["/experiments", "experiments"]]
      .map(async ([path, member]) => (await all(path, member)).items),
  ]);
  const there = { types, layers, experiments: experiments.filter((each) => each.id !== id) };
  const store = id ?? (copied ? `copy-${copied}` : "new");
  const before = kept(store);
  const element = h("div", { class: "stack" });
  const draw = (shown, note) => fill(element,
    page({ id, known, shown, there, store, note, again: () => draw(known.data, null) }));
  draw(before ? { ...known.data, ...before.body } : known.data, before ? before.at : null);
  return { title: id ? `Edit ${known.data.name}` : "New experiment", element };
}

function page({ id, known, shown, there, store, note, again }) {
  const experiment = known.data;
  const parts = fields(shown, experiment, id, there);
  const place = h("div");
  const button = h("button", { class: "primary" }, id ? "Save" : "Create draft");
  const submit = async (event) => {
    event.preventDefault();
    clearFaults(form);
    const body = parts.body();
    const faults = faultsOf({ ...body, id: id ? "" : body.id, override_lines: parts.overrideLines(),
        audience_lines: parts.audienceLines() });
    if (faults.length) return showProblem(form, place, { status: 422, errors: faults });
    await working(button, place, async () => {
      try {
        const { data } = id ? await call("PATCH", at(id), changes(experiment, body), { "If-Match": known.etag })
          : await call("POST", "/experiments", body);
        clearTimeout(timer);
        forget(store);
        say(id ? "Saved." : "Draft created.");
        location.hash = `#/experiments/${encodeURIComponent(data.id)}`;
      } catch (problem) {
        if (problem.status === 409 && !id) showProblem(form, place,
          { status: 422, errors: [{ pointer: "/id", detail: `${body.id} is taken; choose another id.` }] });
        else if (problem.errors?.length) showProblem(form, place, problem);
        else throw problem;
      }
    });
    return undefined;
  };
  let timer = 0;
  const typed = () => { clearTimeout(timer); timer = setTimeout(() => keep(store, parts.body()), 400); };
  const leave = () => { clearTimeout(timer); forget(store); };
  const form = h("form", { class: "stack", novalidate: true, onsubmit: submit, oninput: typed, onchange: typed },
    parts.elements, place,
    h("div", { class: "row end" }, h("a",
        { class: "button", href: id ? `#/experiments/${encodeURIComponent(id)}` : "#/experiments", onclick: leave },
        "Cancel"), button));
  const helper = calculator({ weights: parts.weights, primaries: parts.primaries, analysis: parts.analysis,
      take: parts.plan });
  form.addEventListener("change", helper.compute);
  return [
    h("h1", { tabindex: -1 }, id ? `Edit ${experiment.name}` : "New experiment"),
    note ? h("p", { class: "alert note", role: "status" }, `What you typed on ${time(note)} is here again. `,
      h("button", { type: "button", class: "little", onclick: () => { leave(); again(); } }, "Discard it")) : null,
    h("div", { class: "beside" }, form, h("aside", {}, helper.element)),
  ];
}

// What a copy begins with: the definition, and nothing of its life.
function copyOf(experiment) {
  const { id, salt, status, version, started_at, ended_at, created_at, created_by, updated_at, ...rest } = experiment;
  return { ...NEW, ...Object.fromEntries(Object.entries(rest).filter(([name]) => name in NEW)),
    name: `Copy of ${experiment.name}`, owner: "", schedule: null, layer: null,
    metrics: experiment.metrics.map(({ declared_at, ...each }) => each) };
}

function fields(shown, experiment, id, there) {
  const draft = experiment.status === "draft";
  const ended = experiment.status === "completed";
  const own = text(shown.id, { maxlength: 64, disabled: Boolean(id), autocapitalize: "none", spellcheck: "false" });
  const called = () => { own.placeholder = `${slug(name.value)}-1a2b3c4d`; };
  const name = text(shown.name, { required: true, maxlength: 200, oninput: called });
  if (!id) called();
  const hypothesis = area(shown.hypothesis, { rows: 2 });
  const owner = text(shown.owner, { maxlength: 100, placeholder: id ? "" : "you" });
  const tags = text(shown.tags.join(", "));
  const description = area(shown.description, { rows: 2 });
  const variants = variantsEditor(shown);
  const metrics = metricsEditor(shown.metrics, there.types);
  const segments = segmentsEditor(shown.segments);
  const overrides = overridesEditor(shown.overrides, () => variants.values().map((each) => each.key));
  const audience = audienceEditor(shown.audience);
  const layer = layerEditor(shown.layer, there.layers);
  const prerequisite = prerequisiteEditor(shown.prerequisite, there.experiments);
  const schedule = scheduleEditor(shown.schedule);
  const guard = guardEditor(shown.guard);
  const salt = text(shown.salt, { maxlength: 128, autocapitalize: "none", spellcheck: "false" });
  const traffic = number(shown.traffic_allocation, { min: 0, max: 100, required: true });
  const planned = number(shown.planned_users, { min: 1, step: 1 });
  const effect = number(shown.minimum_effect === null ? null : round(100 * shown.minimum_effect), { min: 0 });
  const least = number(shown.min_users, { min: 0, step: 1 });
  const days = number(shown.min_days, { min: 0, step: 1 });
  const analysis = choice(Object.entries(ANALYSIS), shown.analysis);
  const adjustment = choice([["cuped", "CUPED"], ["none", "None"]], shown.adjustment);
  const counted = choice([["assignment", "Their assignment"], ["exposure", "Their exposure"]], shown.count_from);
  const history = number(shown.cuped_days, { min: 1, max: 90, step: 1 });
  const plan = h("fieldset", {}, h("legend", {}, "Plan"),
    field("Analysis", analysis, { pointer: "/analysis" }),
    h("div", { class: "thirds" },
      field("Planned users", planned, { pointer: "/planned_users", hint: ["All variants together. ", toCalculator()] }),
      field("Minimum effect in percent", effect,
        { pointer: "/minimum_effect", hint: "Relative; less is not worth shipping." }),
      field("Days before a verdict", days, { pointer: "/min_days" }),
      field("Users per variant before a verdict", least, { pointer: "/min_users" }),
      field("Adjustment", adjustment,
        { pointer: "/adjustment", hint: "CUPED: by what users did before; finds the same effect with fewer users." }),
      field("Days of history for it", history,
        { pointer: "/cuped_days", hint: "Whole UTC days before the day of the assignment, 1 to 90." }),
      field("Users count from", counted,
        { pointer: "/count_from", hint: "Exposure: your program tells who met a variant." })));
  const trafficField = field("Traffic in percent", traffic,
    { short: true, pointer: "/traffic_allocation",
      hint: draft ? "Of all users; the others get no variant." : "May only grow while the experiment runs." });
  const saltField = field("Salt", salt,
    { short: true, pointer: "/salt", hint: "Two experiments of one salt draw alike. The id, when empty." });
  if (!draft) [variants.element, segments.element, plan, prerequisite.element].forEach((each) => lock(each, FIXED));
  if (id) lock(saltField, "Never changes: every user would be drawn anew.");
  if (ended) [metrics.element, trafficField, overrides.element, audience.element, layer.element, schedule.element,
    guard.element].forEach((each) => lock(each, "The experiment is completed."));
  const card = (...children) => h("section", { class: "card stack" }, children);
  const body = () => ({
    ...(own.value && !id ? { id: own.value.trim() } : {}),
    name: name.value, hypothesis: hypothesis.value, description: description.value,
    variants: variants.values(), control: variants.control(), metrics: metrics.values(), segments: segments.values(),
      overrides: overrides.values(),
    audience: audience.value(), layer: layer.value(), prerequisite: prerequisite.value(), schedule: schedule.value(),
      guard: guard.value(),
    ...(owner.value.trim() ? { owner: owner.value.trim() } : {}),
      tags: tags.value.split(",").map((each) => each.trim()).filter(Boolean),
    ...(salt.value ? { salt: salt.value } : {}),
    traffic_allocation: asNumber(traffic), analysis: analysis.value, adjustment: adjustment.value,
      cuped_days: asNumber(history) ?? NEW.cuped_days, count_from: counted.value, planned_users: asNumber(planned),
    minimum_effect: asNumber(effect) === null ? null : round(asNumber(effect) / 100), min_users: asNumber(least) ?? 0,
      min_days: asNumber(days) ?? 0,
  });
  return {
    elements: [
      card(h("div", { class: "pair" }, field("Name", name, { pointer: "/name" }),
          field("Id", own, { pointer: "/id",
              hint: id ? "Cannot change." : "What programs call it; made from the name when empty." })),
        field("Hypothesis", hypothesis, { pointer: "/hypothesis", hint: "What you expect, and why." }),
        field("Description", description, { pointer: "/description" }),
        h("div", { class: "pair" }, field("Owner", owner,
            { pointer: "/owner", hint: "Who answers for it: a person or a team." }),
          field("Tags, comma-separated", tags, { pointer: "/tags" }))),
      card(variants.element), card(metrics.element), card(plan),
      card(h("fieldset", {}, h("legend", {}, "Who takes part"), trafficField), audience.element, segments.element),
      card(schedule.element, guard.element),
      h("details", { class: "card advanced" }, h("summary", {}, "Advanced: overrides, layer, prerequisite and salt"),
        h("div", { class: "stack" }, overrides.element, layer.element, prerequisite.element, saltField)),
    ],
    overrideLines: overrides.lines,
    audienceLines: audience.lines,
    weights: () => {
      const taking = variants.values().filter((each) => each.weight > 0);
      return taking.sort((one, other) => (other.key === variants.control()) - (one.key === variants.control()))
        .map((each) => each.weight).join();
    },
    primaries: () => metrics.values().filter((each) => each.role === "primary").length,
    analysis: () => (draft ? analysis.value : null),
    plan: (users, lift) => {
      planned.value = users;
      effect.value = lift;
      planned.dispatchEvent(new Event("input", { bubbles: true }));
      planned.focus();
    },
    body,
  };
}

const slug = (name) => name.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-")
  .replace(/^-|-$/g, "").slice(0, 55) || "experiment";
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
