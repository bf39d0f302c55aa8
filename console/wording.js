// The platform's words for statuses, recommendations and health, and how serious each looks.

import { badge } from "./dom.js";
import { words } from "./format.js";

const STATUS = { draft: "", running: "accent", paused: "warn", completed: "good" };
const ACTION = {
  ship: ["Ship", "good"],
  do_not_ship: ["Do not ship", "bad"],
  keep_running: ["Keep running", "accent"],
  investigate_srm: ["Investigate the split", "bad"],
  stop_no_meaningful_effect: ["Stop: too small to matter", "warn"],
  stop_inconclusive: ["Stop: no answer", "warn"],
};
const SPLIT = { ok: ["Split as planned", "good"], mismatch: ["Split is off", "bad"], insufficient_data: ["Too few users to check", ""] };
const CONFIDENCE = { low: "", medium: "", high: "accent", significant: "good" };

export const statusBadge = (status) => badge(status, STATUS[status]);
export const actionBadge = (recommendation, variant) => {
  if (!recommendation) return badge("exploratory");
  const [text, kind] = ACTION[recommendation.action];
  return badge(variant && recommendation.variant ? `${text} ${recommendation.variant}` : text, kind);
};
export const actionKind = (recommendation) => (recommendation ? ACTION[recommendation.action][1] : "");
export const splitBadge = (srm) => badge(...(SPLIT[srm.status] ?? [words(srm.status), ""]));
export const confidenceBadge = (word) => badge(word, CONFIDENCE[word]);
