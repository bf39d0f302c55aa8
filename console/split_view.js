// The sample-ratio check: how far each variant's users are from what the weights say.

import { h } from "./dom.js";
import { chance, count, pValue, signedPercent } from "./format.js";
import { axisMark, intervalMark, sharedAxis } from "./interval_mark.js";
import { inkOf, variantMark } from "./variant_mark.js";
import { splitBadge } from "./wording.js";

export function splitView(experiment, results) {
  const { srm, enrolled } = results;
  const rows = Object.entries(enrolled).map(([key, users]) => {
    const expected = srm.expected[key] ?? 0;
    const off = expected ? users / expected - 1 : null;
    return { key, users, expected, off, estimate: off ?? 0,
      interval: off === null ? null : [Math.min(0, off), Math.max(0, off)] };
  });
  const reach = Math.max(0.02, ...rows.map((row) => 1.2 * Math.abs(row.off ?? 0)));
  const axis = sharedAxis([{ estimate: 0, interval: [-reach, reach] }], 3);
  const caption = "Users of every variant, and how far they are from the plan";
  return h("div", { class: "stack tight" },
    h("div", { class: "row apart" }, h("h3", {}, "Split of users"), splitBadge(srm)),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      h("table", { class: "split" }, h("caption", { class: "hidden" }, caption),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Variant"),
          h("th", { scope: "col", class: "number" }, "Users"), h("th", { scope: "col", class: "number" }, "Off by"),
          h("th", { scope: "col", class: "drawn" }, h("span", { class: "hidden" }, "Drawn"), axisMark(axis)))),
      h("tbody", {}, rows.map((row) => h("tr", {},
        h("th", { scope: "row" }, variantMark(experiment, row.key)),
        h("td", { class: "number" }, count(row.users)),
        h("td", { class: "number" }, signedPercent(row.off)),
        h("td", { class: "drawn" }, intervalMark(axis, { ...row, ink: inkOf(experiment, row.key) }))))))),
    h("p", { class: "small soft" }, splitWords(srm)));
}

const PROOF = 0.001; // below it a split is off, and below it in the test that may be repeated the guard acts

// What the check says, and what the guard, which looks again and again, makes of it.
export function splitWords(srm) {
  if (srm.p_value === null) return "Too few users to check.";
  if (srm.status !== "mismatch") return `Chance alone makes a split at least this uneven in ${chance(srm.p_value).replace("> ", "more than ")} of fair draws (p ${pValue(srm.p_value)}). Below 0.1% something is wrong.`;
  const guard = srm.sequential_p_value === null ? "" : srm.sequential_p_value < PROOF
    ? " The guard, which asks for stronger proof because it looks every day, has that proof too."
    : ` The guard asks for stronger proof because it looks every day, and does not have it yet (p ${pValue(srm.sequential_p_value)}).`;
  return `Chance alone makes a split this uneven in fewer than 0.1% of fair draws, so something loses or adds users of one variant: a redirect, a crash, a filter, bots. No figure can be trusted until it is found.${guard}`;
}
