// Asks for the password again, where a change of people or keys wants it given just now.

import { fill, h } from "./dom.js";
import { providerLink } from "./provider_link.js";
import { signIn } from "./session.js";

// Resolves to true when the password was right; Escape and Cancel are false.
export function passwordGiven(username) {
  return new Promise((resolve) => {
    const fault = h("div", { role: "alert" });
    const password = h("input", { id: "password-again", type: "password", autocomplete: "current-password",
        required: true });
    const button = h("button", { class: "primary" }, "Confirm");
    const submit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      const answer = await signIn(username, password.value)
        .catch(() => ({ ok: false, body: { detail: "The server cannot be reached." } }));
      button.disabled = false;
      if (answer.ok) return dialog.close("yes");
      const wait = answer.wait ? ` Try again in ${answer.wait} s.` : "";
      fill(fault, h("p", { class: "alert" }, `${answer.body.detail}${wait}`));
      return password.select();
    };
    const elsewhere = h("div");
    providerLink({ fresh: true }).then((link) => fill(elsewhere,
        link && h("p", {}, "Without a password here: ", link, " and do it again.")));
    const dialog = h("dialog", { "aria-labelledby": "ask-password" },
      h("form", { class: "stack", onsubmit: submit },
        h("h2", { id: "ask-password" }, "Your password, please"),
        h("p", {}, `Changes of people and API keys want it given within the last ten minutes, ${username}.`), fault,
        h("div", {}, h("label", { for: "password-again" }, "Password"), password), elsewhere,
        h("div", { class: "row end" }, h("button", { type: "button", onclick: () => dialog.close("") }, "Cancel"),
          button)));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
  });
}
