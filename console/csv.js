// Rows as comma-separated values, under the rule of web/rows_text.py: no part of a text begins a formula, whatever
// separator a spreadsheet takes; taking one leading apostrophe off every part gives back what it was.

const FORMULA = /(?<![^;|\t\r\n])(?=[\t\n\v\f\r\x1c-\x20\x85\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|')/g;

export function cell(value) {
  const text = typeof value === "string" ? value.replace(FORMULA, "'") : `${value ?? ""}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const csv = (rows) => rows.map((row) => row.map(cell).join(",")).join("\r\n");
