// Makes elements: h("p", { class: "soft" }, "text", child); text is always text, never HTML.

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(...children.flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false));
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
  element.replaceChildren(...children.flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// A table: columns are { title, number, cell(row) }; the first cell of a row is its header. With `cards` a row
// becomes a card on a phone, each figure under its title; the roles keep it a table for screen readers there.
export function table(caption, columns, rows, { hideCaption = false, cards = false } = {}) {
  const role = (name) => (cards ? { role: name } : {});
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", { class: cards ? "cards" : null, ...role("table") },
      h("caption", { class: hideCaption ? "hidden" : null }, caption),
      h("thead", role("rowgroup"), h("tr", role("row"),
          columns.map((column) => h("th",
              { scope: "col", class: column.number ? "number" : null, ...role("columnheader") },
              column.title || h("span", { class: "hidden" }, "Actions"))))),
      h("tbody", role("rowgroup"), rows.map((row) => h("tr", role("row"), columns.map((column, index) => {
        const props = { class: column.number ? "number" : null, "data-title": column.title || null };
        return index === 0 ? h("th", { ...props, scope: "row", ...role("rowheader") }, column.cell(row))
          : h("td", { ...props, ...role("cell") }, column.cell(row));
      }))))));
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
