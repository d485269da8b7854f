// Light or dark: as the system says, or as chosen here.

import { byId, setText } from "./dom.js";

const KEY = "trio-balancer-theme";
const CHOICES = ["auto", "light", "dark"];
const dark = matchMedia("(prefers-color-scheme: dark)");

function apply(choice) {
  const theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
  document.documentElement.dataset.theme = theme;
  const button = byId("theme");
  if (button) setText(button, `Theme: ${choice}`);
}

/** Apply the theme now and whenever the system changes its mind. */
export function startTheme() {
  const chosen = () => (CHOICES.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : "auto");
  apply(chosen());
  dark.addEventListener("change", () => apply(chosen()));
  byId("theme")?.addEventListener("click", () => {
    localStorage.setItem(KEY, CHOICES[(CHOICES.indexOf(chosen()) + 1) % CHOICES.length]);
    apply(chosen());
  });
}
