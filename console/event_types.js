// Every event type ever seen, and a user's stored events.

import { all, get } from "./api.js";
import { fill, h, table } from "./dom.js";
import { working } from "./feedback.js";
import { decimal, time } from "./format.js";
import { eventCommand, snippet } from "./teach.js";

export async function view() {
  const { items } = await all("/events/types", "types");
  const element = h("div", { class: "stack" },
    h("h1", { tabindex: -1 }, "Events"),
    h("section", { class: "card" }, h("h2", {}, "Event types"), items.length ? types(items) : h("div", { class: "empty" }, h("p", {}, "No event was ever counted. Record the first one:"), snippet(eventCommand("purchase"), "Command that records an event"))),
    h("section", { class: "card" }, h("h2", {}, "What did a user do?"), ofUser()));
  return { title: "Events", element };
}

function types(items) {
  return table("Event types", [
    { title: "Type", cell: (each) => h("code", {}, each.type) },
    { title: "First day", cell: (each) => each.first_day },
    { title: "Last day", cell: (each) => each.last_day },
  ], items, { hideCaption: true });
}

function ofUser() {
  const user = h("input", { id: "user", required: true, maxlength: 256, autocapitalize: "none", spellcheck: "false" });
  const button = h("button", { class: "primary" }, "Show events");
  const place = h("div", { "aria-live": "polite" });
  const ask = async (event) => {
    event.preventDefault();
    await working(button, place, async () => {
      const page = await get(`/events?limit=100&user_id=${encodeURIComponent(user.value)}`);
      fill(place, page.events.length ? events(page.events) : h("p", { class: "soft" }, "No event of this user is stored."));
    });
  };
  return h("form", { class: "stack", onsubmit: ask },
    h("div", { class: "row bottom" }, h("div", { class: "grow" }, h("label", { for: "user" }, "User id"), user), button), place);
}

function events(items) {
  return table("Stored events", [
    { title: "Type", cell: (each) => h("code", {}, each.type) },
    { title: "Value", number: true, cell: (each) => decimal(each.value) },
    { title: "Happened", cell: (each) => time(each.timestamp) },
    { title: "Received", cell: (each) => time(each.received_at) },
    { title: "Properties", cell: (each) => h("code", { class: "small" }, JSON.stringify(each.properties)) },
  ], items);
}
