// Makes elements: h("p", { class: "soft" }, "text", child); text is always text, never HTML.

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "class") element.className = value;
  else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

// Replaces what is in an element.
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// A table: columns are { title, number, cell(row) }; the first cell of a row is its header.
// A column with span(row) covers so many rows; 0 leaves the cell to the one above. below(row) may give what
// stands in a row of its own under it, beside the columns that span it; rows it adds count in span.
export function table(caption, columns, rows, { hideCaption = false, dense = false, below = () => null } = {}) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", { class: dense ? "dense" : null },
      h("caption", { class: hideCaption ? "hidden" : null }, caption),
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : null }, column.title)))),
      h("tbody", {}, rows.map((row) => [line(columns, row), under(columns, below(row))]))));
}

function line(columns, row) {
  return h("tr", {}, columns.map((column, index) => {
    const span = column.span?.(row) ?? 1;
    if (span === 0) return null;
    const props = { class: column.number ? "number" : null, rowspan: span > 1 ? span : null };
    return index === 0 ? h("th", { ...props, scope: span > 1 ? "rowgroup" : "row" }, column.cell(row)) : h("td", props, column.cell(row));
  }));
}

function under(columns, content) {
  return content && h("tr", { class: "under" }, h("td", { colspan: columns.filter((column) => !column.span).length }, content));
}

export function badge(text, kind = "") {
  return h("span", { class: `badge ${kind}` }, text);
}

let counter = 0;

// An id that no other element has.
export function freshId(stem) {
  counter += 1;
  return `${stem}-${counter}`;
}
