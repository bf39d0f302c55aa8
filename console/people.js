// People who can sign in: adding, roles, passwords, disabling, removing.

import { all, call } from "./api.js";
import { badge, fill, h, table } from "./dom.js";
import { confirmed, explained, say } from "./feedback.js";
import { choice, clearFaults, field, showProblem, text } from "./form.js";
import { day } from "./format.js";
import { ROLES } from "./words.js";

export async function view(_, me) {
  const place = h("div");
  const fault = h("div");
  const draw = async () => fill(place, listed((await all("/accounts", "accounts")).items, me, change));
  const change = async (work, done) => {
    fill(fault);
    try {
      await work();
      say(done);
      await draw();
    } catch (problem) {
      fill(fault, explained(problem));
    }
  };
  await draw();
  const element = h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "People"), fault,
    h("section", { class: "card" }, place), h("section", { class: "card" }, h("h2", {}, "Add a person"), adding(draw)));
  return { title: "People", element };
}

function listed(items, me, change) {
  const path = (each) => `/accounts/${encodeURIComponent(each.username)}`;
  const role = (each) => {
    const select = choice(ROLES, each.role, { "aria-label": `Role of ${each.username}` });
    const name = (value) => ROLES.find(([role]) => role === value)[1].toLowerCase();
    select.addEventListener("change", async () => {
      if (!(await confirmed(`Make ${each.username} ${name(select.value)}?`,
            `Now ${name(each.role)}. The change holds from the next request on.`, "Change"))) select.value = each.role;
      else await change(() => call("PATCH", path(each), { role: select.value }),
        `${each.username} is ${name(select.value)} now.`);
    });
    return select;
  };
  const toggle = (each) => h("button",
    { type: "button", class: "little",
      onclick: () => change(() => call("PATCH", path(each), { disabled: !each.disabled }),
        each.disabled ? "Enabled."
        : "Disabled; the sessions have ended. API keys that they answer for still work until you end them.") },
    each.disabled ? "Enable" : "Disable");
  const remove = (each) => h("button", { type: "button", class: "little danger", onclick: async () => {
    if (await confirmed(`Remove ${each.username}?`,
        "The person can no longer sign in. What they did stays in the histories.", "Remove",
        { danger: true })) change(() => call("DELETE", path(each)), "Removed.");
  } }, "Remove");
  return table("People", [
    { title: "User name", cell: (each) => [each.username, each.username === me.id ? [" ", badge("you")] : null,
        each.disabled ? [" ", badge("disabled", "warn")] : null] },
    { title: "Role", cell: role },
    { title: "Since", cell: (each) => day(each.created_at) },
    { title: "", cell: (each) => (each.username === me.id ? h("span")
        : h("div", { class: "row close" }, toggle(each), remove(each))) },
  ], items, { hideCaption: true, cards: true });
}

function adding(draw) {
  const username = text("", { required: true, maxlength: 64, autocapitalize: "none", autocomplete: "off" });
  const password = h("input", { type: "password", required: true, minlength: 12, autocomplete: "new-password" });
  const role = choice(ROLES, "user");
  const place = h("div");
  const submit = async (event) => {
    event.preventDefault();
    clearFaults(form);
    try {
      await call("POST", "/accounts", { username: username.value, password: password.value, role: role.value });
      say(`${username.value} can sign in.`);
      form.reset();
      fill(place);
      await draw();
    } catch (problem) {
      showProblem(form, place, problem);
    }
  };
  const form = h("form", { class: "stack", onsubmit: submit }, place,
    h("div", { class: "thirds" }, field("User name", username, { pointer: "/username" }),
      field("Password", password, { pointer: "/password", hint: "At least 12 characters, not easy to guess." }),
      field("Role", role, { pointer: "/role" })),
    h("div", {}, h("button", { class: "primary" }, "Add")));
  return form;
}
