// Which backends are shown, and in which order.

import { look, why } from "./backend.js";
import { byId, make, setAttribute, setText } from "./dom.js";

const STATES = [["all", "All"], ["up", "Up"], ["down", "Down"], ["ejected", "Ejected"],
  ["drain", "Drain"], ["maintenance", "Maintenance"]];
const TROUBLE = ["down", "ejected", "maintenance", "drain", "up"];

const ORDERS = {
  trouble: (a, b) => TROUBLE.indexOf(look(a)) - TROUBLE.indexOf(look(b)),
  name: (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }),
  active: (a, b) => b.active - a.active,
  rate: (a, b) => b.rate - a.rate,
  slow: (a, b) => (b.connect_p99 ?? -1) - (a.connect_p99 ?? -1),
  changed: (a, b) => a.in_state_for - b.in_state_for,
};

/** The search field, the chips and the order. */
export class Tools {
  constructor(changed) {
    this.state = "all";
    this.changed = changed;
    this.chips = new Map(STATES.map(([state, text]) => [state, this.#chip(state, text)]));
    byId("chips").append(...this.chips.values());
    byId("tools").addEventListener("submit", (event) => event.preventDefault());
    byId("search").addEventListener("input", changed);
    byId("sort").addEventListener("change", changed);
    document.addEventListener("keydown", jumpToSearch);
  }

  #chip(state, text) {
    const click = () => {
      this.state = state;
      this.changed();
    };
    return make("button", { type: "button", on: { click } },
      document.createTextNode(text), make("b"));
  }

  /** Whether anything is left out. */
  get narrow() {
    return this.state !== "all" || byId("search").value.trim() !== "";
  }

  /** Choose and order the backends of a pool. */
  choose(pool) {
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = pool.backends.filter((backend) => this.#isChosen(pool, backend, words));
    return chosen.sort(ORDERS[byId("sort").value]);
  }

  #isChosen(pool, backend, words) {
    const state = look(backend);
    if (this.state !== "all" && state !== this.state) return false;
    const text = [pool.name, backend.name, backend.address, state, why(backend)].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  }

  /** Show how many there are of each state. */
  count(pools) {
    const states = pools.flatMap((pool) => pool.backends.map(look));
    for (const [state, chip] of this.chips) {
      const number = state === "all" ? states.length : states.filter((each) => each === state).length;
      setText(chip.lastChild, String(number));
      setAttribute(chip, "aria-pressed", String(this.state === state));
      chip.hidden = number === 0 && state !== "all" && this.state !== state;
    }
  }
}

/** "/" goes to the search field, as on many sites. */
function jumpToSearch(event) {
  const typing = event.target.closest("input, select, textarea, dialog");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
  event.preventDefault();
  byId("search").focus();
}
