// How many users and days an effect takes, beside the form that plans them.

import { get } from "./api.js";
import { fill, h } from "./dom.js";
import { asNumber, choice, field, number } from "./form.js";
import { count, percent } from "./format.js";

const WAIT_MS = 350;
const STORE = "calculator";
const FIRST = { kind: "rate", mean: 1, sd: 2, rate: 5, effect: 10, daily: 1000 };

// The numbers that were asked for last: the next experiment is usually of the same shop.
function remembered() {
  try {
    return { ...FIRST, ...JSON.parse(localStorage.getItem(STORE)) };
  } catch {
    return FIRST;
  }
}

// `weights()` (the control's first) and `primaries()` tell what the form holds, `more` is what else it asks;
// `take(users, effect)` puts the plan into it.
export function calculator({ weights, primaries, analysis = () => null, take = () => {}, more = null }) {
  const saved = remembered();
  const kind = choice([["rate", "A rate: who did it at all"], ["mean", "A mean: events or value per user"]],
    saved.kind);
  const mean = number(saved.mean, {});
  const sd = number(saved.sd, { min: 0.000001 });
  const rate = number(saved.rate, { min: 0.0001, max: 99 });
  const effect = number(saved.effect, { min: 0.01 });
  const daily = number(saved.daily, { min: 1, step: 1 });
  const place = h("div", { "aria-live": "polite", class: "stack tight" });
  let timer = 0;
  let turn = 0; // an answer that comes after a later question is not shown
  const soon = () => { clearTimeout(timer); timer = setTimeout(compute, WAIT_MS); };
  const compute = async () => {
    const mine = ++turn;
    const empty = [...(kind.value === "rate" ? [["Rate today", rate]]
        : [["Mean per user", mean], ["Standard deviation", sd]]), ["Smallest lift", effect], ["Users per day", daily]]
      .filter(([, input]) => !(asNumber(input) > 0 || (input === mean && asNumber(input) !== null)));
    if (empty.length) return fill(place,
      h("p", { class: "hint" }, `Fill in: ${empty.map(([name]) => name.toLowerCase()).join(", ")}.`));
    const baseline = kind.value === "rate" ? { baseline_rate: asNumber(rate) / 100 }
      : { baseline_mean: asNumber(mean), baseline_sd: asNumber(sd) };
    localStorage.setItem(STORE, JSON.stringify(Object.fromEntries(Object.entries({ kind, mean, sd, rate, effect,
              daily }).map(([name, input]) => [name, input.value]))));
    const asked = new URLSearchParams({ ...baseline, minimum_effect: asNumber(effect) / 100,
        daily_users: Math.round(asNumber(daily)), weights: weights(), primary_metrics: Math.max(1, primaries()) });
    try {
      const answer = await get(`/sample-size?${asked}`);
      if (mine === turn) fill(place, needed(answer, analysis(), (users) => take(users, asNumber(effect))));
    } catch (problem) {
      if (mine === turn) fill(place, h("p", { class: "fault" }, (problem.errors ?? [])[0]?.detail ?? problem.message));
    }
    return undefined;
  };
  const ofRate = [field("Rate today, in percent", rate)];
  const ofMean = [field("Mean per user today", mean),
    field("Standard deviation", sd, { hint: "Between users, those without an event included." })];
  const refresh = () => {
    ofRate.forEach((each) => { each.hidden = kind.value !== "rate"; });
    ofMean.forEach((each) => { each.hidden = kind.value === "rate"; });
  };
  kind.addEventListener("change", refresh);
  refresh();
  const element = h("section", { class: "card stack calculator", "aria-labelledby": "calculator", oninput: soon },
    h("h2", { id: "calculator" }, "How many users?"),
    h("div", { class: "stack" }, field("What it measures", kind), ofRate, ofMean,
      field("Smallest lift that matters, in percent", effect, { hint: "Relative: 10 takes 5% to 5.5%." }),
      field("Users per day, all variants", daily), more),
    place);
  compute();
  return { element, compute: soon };
}

function needed(answer, analysis, take) {
  const { fixed, sequential, group_sequential: daily } = answer.required;
  const row = (name, need) => h("div", { class: "need" }, h("p", { class: "small soft" }, name),
    need ? h("p", {}, h("span", { class: "figure-number" }, count(need.users)), " users")
      : h("p", {}, "no number of users would do"),
    need ? h("p", { class: "small soft" }, `${count(need.users_per_variant)} per variant${need.days ? `, about ${count(need.days)} days` : ""}`) : null);
  const chosen = answer.required[analysis];
  return [
    row("Read on any day (sequential)", sequential), row("Decided at daily looks (group sequential)", daily),
      row("Read once, at the end (fixed)", fixed),
    chosen ? h("button", { type: "button", onclick: () => take(chosen.users) }, `Plan ${count(chosen.users)} users`)
      : null,
    h("p", { class: "hint" },
      `${percent(answer.power, 0)} chance to find it, if it is there; ${percent(answer.alpha, 0)} chance of a false alarm, if not.`),
  ];
}
