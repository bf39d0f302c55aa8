// The condition on the context as lines that people fill in, { key, op, value }, and in words; what only JSON can say
// stays JSON.

// By operator: what people call it, and whether its value is a list, text as it stands, or not asked for.
export const OPERATORS = {
  $eq: ["is"],
  $in: ["is one of", "list"],
  $ne: ["is not"],
  $nin: ["is none of", "list"],
  $gt: ["is above"],
  $gte: ["is at least"],
  $lt: ["is below"],
  $lte: ["is at most"],
  $vgte: ["is version … or later", "text"],
  $vlt: ["is a version before", "text"],
  $regex: ["matches the pattern", "text"],
  present: ["is known", "none"],
  absent: ["is not known", "none"],
};
const PLAIN = /^(true|false|-?\d+(\.\d+)?)$/;
const kindOf = (op) => OPERATORS[op][1];
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// Lines of a condition, or null where it says more than lines can.
export function linesOf(condition) {
  if (condition === null) return [];
  if (!isObject(condition)) return null;
  if (Array.isArray(condition.$and) && Object.keys(condition).length === 1) return joined(condition.$and.map(linesOf));
  return joined(Object.entries(condition).map(([key, rule]) => (key.startsWith("$") ? null : ofKey(key, rule))));
}

const joined = (parts) => (parts.includes(null) ? null : parts.flat());

function ofKey(key, rule) {
  if (!isObject(rule)) return ofOperator(key, "$eq", rule);
  return joined(Object.entries(rule)
    .map(([op, value]) => (op === "$exists" ? [{ key, op: value ? "present" : "absent", value: "" }]
        : ofOperator(key, op, value))));
}

function ofOperator(key, op, value) {
  if (!(op in OPERATORS)) return null;
  const several = kindOf(op) === "list";
  const values = several ? value : [value];
  if (!Array.isArray(values) || values.some((each) => each === null || typeof each === "object")) return null;
  if (several && values.some((each) => typeof each === "string" && each.includes(","))) return null;
  return [{ key, op, value: values.map((each) => (kindOf(op) === "text" ? String(each) : typed(each))).join(", ") }];
}

// Text that looks like a number or a truth stands in quotation marks, which is how it is read again.
const typed = (value) => (typeof value === "string"
  && (PLAIN.test(value) || value !== value.trim() || value === "" || value.startsWith('"')) ? JSON.stringify(value)
  : String(value));

function read(text) {
  if (PLAIN.test(text)) return JSON.parse(text);
  if (!/^".*"$/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

// The condition of lines that are filled in; null for none.
export function conditionOf(lines) {
  if (!lines.length) return null;
  const single = lines.map(({ key, op, value }) => ({ [key]: rule(op, value) }));
  const taken = lines.map(({ key, op }) => `${key} ${op === "absent" ? "present" : op}`);
  if (new Set(taken).size < taken.length) return { $and: single };
  const all = {};
  for (const [key, each] of single.flatMap(Object.entries)) all[key] = { ...all[key], ...each };
  return all;
}

function rule(op, value) {
  if (kindOf(op) === "none") return { $exists: op === "present" };
  if (kindOf(op) === "list") return { [op]: value.split(",").map((each) => each.trim()).filter(Boolean).map(read) };
  return { [op]: kindOf(op) === "text" ? value : read(value.trim()) };
}

export const isFilled = ({ key, op, value }) => Boolean(key && (kindOf(op) === "none" || value.trim()));

// In words, or null where only JSON says it.
export function inWords(condition) {
  const lines = linesOf(condition);
  return lines && lines.map(({ key, op, value }) => (op === "$vgte" ? `${key} is version ${value} or later`
      : `${key} ${OPERATORS[op][0]} ${value}`.trim())).join(", and ");
}
