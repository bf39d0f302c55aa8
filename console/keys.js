// API keys for machines: creating one, whose secret is shown once, and revoking one.

import { all, call } from "./api.js";
import { fill, h, table } from "./dom.js";
import { confirmed, explained, say } from "./feedback.js";
import { clearFaults, field, showProblem, text } from "./form.js";
import { day } from "./format.js";
import { snippet } from "./teach.js";

const SCOPES = {
  "assignments:write": "Assign users",
  "events:write": "Record events and exposures",
  "experiments:read": "Read experiments",
  "experiments:write": "Create and change experiments",
  "assignments:read": "Look up assignments",
  "events:read": "Read events",
  "results:read": "Read results",
};

export async function view() {
  const place = h("div");
  const draw = async () => {
    const { items } = await all("/api-keys", "api_keys");
    fill(place, items.length ? listed(items, draw, place)
      : h("p", {}, "There is no key yet. A server that assigns users and records events needs one."));
  };
  await draw();
  const element = h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "API keys"),
    h("section", { class: "card" }, place), h("section", { class: "card" }, h("h2", {}, "Create a key"), making(draw)));
  return { title: "API keys", element };
}

function listed(items, draw, place) {
  const remove = async (key) => {
    if (!(await confirmed(`Revoke the key ${key.name}?`, "Programs that use it are refused within ten seconds.",
          "Revoke", { danger: true }))) return;
    try {
      await call("DELETE", `/api-keys/${encodeURIComponent(key.id)}`);
      say("The key is revoked.");
      await draw();
    } catch (problem) {
      place.prepend(explained(problem));
    }
  };
  return table("API keys", [
    { title: "Name", cell: (key) => key.name },
    { title: "Id", cell: (key) => h("code", {}, key.id) },
    { title: "Scopes", cell: (key) => h("span", { class: "small" },
        key.scopes.map((scope) => SCOPES[scope] ?? scope).join(", ")) },
    { title: "Created", cell: (key) => [h("span", { class: "unbroken" }, day(key.created_at)),
        ` by ${key.created_by}`] },
    { title: "Answers for it", cell: (key) => key.owner },
    { title: "Expires", cell: (key) => h("span", { class: "unbroken" },
        key.expires_at ? day(key.expires_at) : "never") },
    { title: "Last used", cell: (key) => h("span", { class: "unbroken" },
        key.last_used_on ? day(key.last_used_on) : "not yet") },
    { title: "", cell: (key) => h("button", { type: "button", class: "little danger", onclick: () => remove(key) },
        "Revoke") },
  ], items, { hideCaption: true, cards: true });
}

function making(draw) {
  const name = text("", { required: true, maxlength: 200 });
  const expires = h("input", { type: "date" });
  const boxes = Object.keys(SCOPES)
    .map((scope, index) => h("input", { type: "checkbox", id: `scope-${index}`, value: scope, checked: index < 2 }));
  const place = h("div", { "aria-live": "polite" });
  const submit = async (event) => {
    event.preventDefault();
    clearFaults(form);
    const body = { name: name.value, scopes: boxes.filter((box) => box.checked).map((box) => box.value) };
    if (expires.value) body.expires_at = `${expires.value}T00:00:00Z`;
    try {
      const { data } = await call("POST", "/api-keys", body);
      fill(place, h("p", { class: "alert warn" },
          "Copy the key now: it is not shown again. It is for servers: in a web page or an app it is everybody's."),
        snippet(`export API_KEY=${data.key}`, "The new key"));
      name.value = "";
      expires.value = "";
      await draw();
    } catch (problem) {
      showProblem(form, place, problem);
    }
  };
  const form = h("form", { class: "stack", onsubmit: submit },
    h("div", { class: "thirds" }, field("Name", name, { pointer: "/name", hint: "Which program uses it." }),
      field("Expires on", expires, { pointer: "/expires_at", hint: "In a year when empty." })),
    h("fieldset", { "data-field": "/scopes" }, h("p", { class: "label" }, "What it may do"),
      h("div", { class: "thirds" }, boxes.map((box) => h("div", { class: "row box" }, box,
            h("label", { for: box.id }, SCOPES[box.value], h("code", { class: "soft under-label" }, box.value))))),
        h("p", { class: "fault" })),
    h("div", {}, h("button", { class: "primary" }, "Create key")), place);
  return form;
}
