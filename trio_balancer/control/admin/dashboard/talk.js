// Questions to the user, and short notes.

import { byId, make, setText } from "./dom.js";

const STAYS = 8000;

/**
 * Ask, and wait for the answer: true for yes. `danger` colours the button.
 * The dialog is the browser's own, which keeps the focus inside and gives it back.
 */
export async function ask({ title, text, yes, danger = false }) {
  return (await open({ title, text, yes, danger })) === "yes";
}

/** Ask for a token; null when the user gives none. */
export async function askToken() {
  const field = byId("ask-token");
  field.hidden = false;
  const title = "A token is needed";
  const text = "This balancer tells nothing without the token of [admin] in its configuration.";
  const answer = await open({ title, text, yes: "Use it", danger: false });
  const token = field.querySelector("input").value;
  field.querySelector("input").value = "";
  field.hidden = true;
  return answer === "yes" && token ? token : null;
}

function open({ title, text, yes, danger }) {
  const dialog = byId("ask");
  setText(byId("ask-title"), title);
  setText(byId("ask-text"), text);
  setText(byId("ask-yes"), yes);
  byId("ask-yes").className = danger ? "danger" : "primary";
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

/** Say what was done; `undo` is what takes it back, if anything does. */
export function note(text, { bad = false, undo = null } = {}) {
  const toast = make("div", { class: bad ? "toast bad" : "toast" }, make("span", { text }));
  if (undo) {
    const click = () => {
      toast.remove();
      undo();
    };
    toast.append(make("button", { type: "button", text: "Undo", on: { click } }));
  }
  byId("toasts").append(toast);
  setTimeout(() => toast.remove(), STAYS);
}
