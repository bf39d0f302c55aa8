// Commands to copy: what to send so that an empty page fills.

import { h } from "./dom.js";
import { say } from "./feedback.js";

export function snippet(text, label = "Command") {
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  };
  return h("div", { class: "snippet" },
    h("pre", { tabindex: 0, "aria-label": label }, text),
    h("button", { type: "button", class: "little", onclick: copy }, "Copy"));
}

const json = (value) => `'${JSON.stringify(value)}'`;

function post(path, body) {
  return `curl -s ${location.origin}${path} \\\n  -H "X-API-Key: $API_KEY" -H 'Content-Type: application/json' \\\n  -d ${json(body)}`;
}

function assignCommand(id) {
  return post(`/experiments/${id}/assignments`, { user_id: "user-1", context: { country: "DE" } });
}

export function eventCommand(type, user = "user-1") {
  return post("/events", { user_id: user, type, value: 1 });
}

export function firstSteps(id, type) {
  return h("div", { class: "empty" },
    h("p", {},
      "Nothing has been counted yet. Assign a user, then record what the user does; numbers show within seconds. ",
      h("a", { href: "#/keys" }, "An administrator creates the API key.")),
    snippet(assignCommand(id), "Command that assigns a user"),
    snippet(eventCommand(type), "Command that records an event"));
}
