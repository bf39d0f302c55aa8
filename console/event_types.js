// Every event type ever seen, a user's stored events, and what arrives.

import { all, get } from "./api.js";
import { fill, h, table } from "./dom.js";
import { decimal, time, utcDay } from "./format.js";
import { liveTail } from "./live_tail.js";
import { userForm } from "./lookup.js";
import { pairs } from "./pairs.js";
import { eventCommand, snippet } from "./teach.js";

export async function view() {
  const { items } = await all("/events/types", "types");
  const form = ofUser();
  const tail = liveTail(form);
  const element = h("div", { class: "stack" },
    h("h1", { tabindex: -1 }, "Events"),
    h("section", { class: "card" }, h("h2", {}, "Event types"),
      items.length ? types(items) : h("div", { class: "empty" },
        h("p", {}, "No event was ever counted. Record the first one:"),
        snippet(eventCommand("purchase"), "Command that records an event"))),
    h("section", { class: "card" }, h("h2", {}, "What did a user do?"), form),
    tail.element);
  return { title: "Events", element, leave: tail.leave };
}

function types(items) {
  return table("Event types", [
    { title: "Type", cell: (each) => h("code", {}, each.type) },
    { title: "First day", cell: (each) => utcDay(each.first_day) },
    { title: "Last day", cell: (each) => utcDay(each.last_day) },
  ], items, { hideCaption: true });
}

function ofUser() {
  return userForm("Show events", async (user, place) => {
    const page = await get(`/events?limit=100&user_id=${encodeURIComponent(user)}`);
    fill(place, page.events.length ? events(page.events)
      : h("p", { class: "soft" }, "No event of this user is stored."));
  });
}

function events(items) {
  return table("Stored events", [
    { title: "Type", cell: (each) => h("code", {}, each.type) },
    { title: "Value", number: true, cell: (each) => decimal(each.value) },
    { title: "Happened", cell: (each) => time(each.timestamp) },
    { title: "Received", cell: (each) => time(each.received_at) },
    { title: "Properties", cell: (each) => pairs(each.properties) },
  ], items);
}
