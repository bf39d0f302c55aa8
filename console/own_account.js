// One's own password and sessions.

import { call, get } from "./api.js";
import { browserOf } from "./browser_name.js";
import { badge, fill, h, table } from "./dom.js";
import { confirmed, explained, say, working } from "./feedback.js";
import { clearFaults, field, showProblem } from "./form.js";
import { time } from "./format.js";
import { changePassword } from "./session.js";
import { ROLES } from "./words.js";

export async function view(_, me) {
  const place = h("div");
  await draw(place);
  const element = h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "Your account"),
    h("p", { class: "soft" },
      `Signed in as ${me.id}, with the role ${ROLES.find(([role]) => role === me.role)?.[1].toLowerCase() ?? me.role}.`),
    h("section", { class: "card" }, h("h2", {}, "Where you are signed in"), place),
    h("section", { class: "card" }, h("h2", {}, "Change your password"), changing()));
  return { title: "Your account", element };
}

async function draw(place) {
  const { sessions } = await get("/auth/sessions");
  const others = sessions.filter((each) => !each.current);
  const fault = h("div");
  const end = (button, chosen) => working(button, fault, async () => {
    for (const each of chosen) await call("DELETE", `/auth/sessions/${each.id}`).catch(unlessGone);
    say(chosen.length === 1 ? "The session has ended." : `${chosen.length} sessions have ended.`);
    await draw(place);
  });
  const ending = (each) => {
    const button = h("button", { type: "button", class: "little",
        "aria-label": `End the session of ${each.address}, started ${time(each.started_at)}` }, "End");
    button.addEventListener("click", () => end(button, [each]));
    return button;
  };
  const all = h("button", { type: "button", class: "danger" }, "End all others");
  all.addEventListener("click", async () => {
    if (await confirmed("End all other sessions?", "Whoever is signed in as you elsewhere is out within ten seconds.",
        "End them", { danger: true })) end(all, others);
  });
  fill(place, fault, table("Sessions", [
    { title: "Address", cell: (each) => [each.address, each.current ? [" ", badge("this one", "good")] : null] },
    { title: "Browser", cell: (each) => h("span", { title: each.user_agent }, browserOf(each.user_agent)) },
    { title: "Started", cell: (each) => time(each.started_at) },
    { title: "Last used", cell: (each) => time(each.last_used_at) },
    { title: "", cell: (each) => (each.current ? null : ending(each)) },
  ], sessions, { hideCaption: true, cards: true }), others.length ? h("div", { class: "row end" }, all) : null);
}

function unlessGone(problem) {
  if (problem.status !== 404) throw problem;
}

function changing() {
  const current = h("input", { type: "password", required: true, autocomplete: "current-password" });
  const chosen = h("input", { type: "password", required: true, minlength: 12, autocomplete: "new-password" });
  const place = h("div");
  const button = h("button", { class: "primary" }, "Change the password");
  const submit = (event) => {
    event.preventDefault();
    clearFaults(form);
    return working(button, place, async () => {
      const problem = await changePassword(current.value, chosen.value);
      if (problem?.errors?.length) showProblem(form, place, problem);
      else if (problem) fill(place, explained(problem));
      else say("The password is changed. Sign in with the new one.");
    });
  };
  const form = h("form", { class: "stack", onsubmit: submit }, place,
    h("p", { class: "soft" }, "Every session of yours ends with it, this one too."),
    h("div", { class: "thirds" },
      field("Current password", current, { pointer: "/current_password" }),
      field("New password", chosen, { pointer: "/new_password", hint: "At least 12 characters, not easy to guess." })),
    h("div", {}, button));
  return form;
}
