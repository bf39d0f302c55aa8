// Badges: how the console wears the platform's words.

import { badge, h } from "./dom.js";
import { words } from "./format.js";
import { variantTitle } from "./naming.js";
import { ACTION, CONCLUSION, HARMED, PROVEN, SPLIT, STATUS, TENDENCY } from "./words.js";

export const statusBadge = (status) => badge(...STATUS[status]);
export const splitBadge = (srm) => badge(...(SPLIT[srm.status] ?? [words(srm.status), ""]));

const OURSELVES = { guard: "the guard", schedule: "the schedule", erasure: "an erasure" };
export const byWhom = (actor) => `by ${OURSELVES[actor] ?? actor}`;

// `name` is what people call the variant to ship.
export function actionBadge(recommendation, name) {
  if (!recommendation) return null;
  const [text, kind] = ACTION[recommendation.action];
  return badge(recommendation.variant ? `${text} ${name ?? recommendation.variant}` : text, kind);
}

// What people concluded, and what everybody gets since.
export function conclusionBadge(experiment) {
  const [text, kind] = CONCLUSION[experiment.conclusion];
  return h("span", {}, badge(text, kind),
    experiment.ship ? h("span", { class: "small soft beneath" },
      ` shipped: ${variantTitle(experiment, experiment.ship)}`) : null);
}

// What one comparison says, as [text, how serious]: proven words only where the declared test has decided.
export function finding(comparison) {
  if (comparison.guard?.harmed) return HARMED.true;
  if (comparison.confidence === "significant") return PROVEN[comparison.tendency];
  const [text, kind] = TENDENCY[comparison.tendency];
  const sure = comparison.tendency !== "unclear" && comparison.certainty !== null;
  return [sure ? `${comparison.certainty > 0.99 ? "> 99%" : `${Math.floor(100 * comparison.certainty)}%`} ${text}` : text, kind];
}

export const findingBadge = (comparison) => badge(...finding(comparison));
