// One backend: a row of a table, or a card on a narrow screen.

import { setBackend } from "./changes.js";
import { make, setAttribute, setBadge, setText } from "./dom.js";
import * as format from "./format.js";

const WORDS = { up: "Up", down: "Down", drain: "Drain", maintenance: "Maintenance", ejected: "Ejected" };
const WISHES = [["drain", "Drain"], ["ready", "Ready"], ["maintenance", "Maintenance"]];

/** What a backend is to the eye: ejected ones are up to their checks, but get nobody. */
export function look(backend) {
  return backend.ejected && backend.state === "up" ? "ejected" : backend.state;
}

/** Say in words why a backend is as it is. */
export function why(backend) {
  if (backend.ejected && backend.ejection_ends_in !== null) {
    return `failed its clients, back in ${format.age(backend.ejection_ends_in)}`;
  }
  if (backend.state === "up" && backend.check?.passed) {
    return `${backend.check.type} check: ${backend.check.detail || "passed"}`;
  }
  return backend.reason || backend.check?.detail || "";
}

/** The headings of the table that the rows are in. */
export function headings() {
  const texts = [["State"], ["Backend"], ["Why"], ["Connections"], ["New/s", "number"],
    ["Weight", "number"], ["Connect", "number"], ["Bytes", "number"],
    ["Failed", "number"], ["Actions", "actions"]];
  const cells = texts.map(([text, kind]) => make("th", { scope: "col", class: kind, text }));
  return make("thead", {}, make("tr", {}, ...cells));
}

/** A backend's row; `Keyed` keeps it. */
export class BackendRow {
  constructor() {
    this.badge = make("span", { class: "badge" });
    this.name = make("span");
    this.backup = make("span", { class: "tag", text: "backup" });
    this.address = make("small", { class: "mono" });
    this.why = make("span");
    this.since = make("small");
    this.load = make("span");
    this.share = make("i");
    this.track = make("span", { class: "track" }, this.share);
    this.rate = make("span");
    this.weight = make("span");
    this.connect = make("span");
    this.slowest = make("small");
    this.up = make("span");
    this.down = make("small");
    this.failed = make("span");
    this.buttons = new Map(WISHES.map(([wish, text]) => [wish, this.#button(wish, text)]));
    this.node = this.#node();
  }

  #button(wish, text) {
    return make("button", { type: "button", text, on: { click: () => this.#change(wish) } });
  }

  #node() {
    this.loadCell = make("td", { "data-label": "Connections" },
      make("div", { class: "load" }, this.load, this.track));
    const number = (label, ...nodes) => make("td", { class: "number", "data-label": label }, ...nodes);
    return make("tr", {},
      make("td", { class: "state" }, this.badge),
      make("td", { class: "name" }, this.name, this.backup, this.address),
      make("td", { class: "why" }, this.why, this.since),
      this.loadCell,
      number("New/s", this.rate), number("Weight", this.weight),
      number("Connect", this.connect, this.slowest), number("Bytes", this.up, this.down),
      number("Failed", this.failed),
      make("td", { class: "actions" }, ...this.buttons.values()));
  }

  update({ pool, backend }) {
    this.pool = pool;
    this.backend = backend;
    const state = look(backend);
    setAttribute(this.node, "data-state", state);
    setBadge(this.badge, state, WORDS[state] ?? state);
    setText(this.name, backend.name);
    this.backup.hidden = !backend.backup;
    setText(this.address, backend.address === backend.name ? "" : backend.address);
    setText(this.why, why(backend));
    setText(this.since, `for ${format.age(backend.in_state_for)}`);
    this.#numbers(backend);
    this.#showButtons(`${pool.name}/${backend.name}`);
  }

  #numbers(backend) {
    const limit = backend.max_connections;
    const share = limit === null ? 0 : backend.active / limit;
    setText(this.load, format.ofLimit(backend.active, limit));
    this.track.hidden = limit === null;
    this.share.style.setProperty("--share", Math.min(share, 1));
    this.loadCell.firstChild.classList.toggle("is-full", share >= 1);
    setText(this.rate, format.rate(backend.rate));
    setText(this.weight, weight(backend));
    setText(this.connect, format.time(backend.connect_p50));
    setText(this.slowest, backend.connect_p99 === null ? "" : `p99 ${format.time(backend.connect_p99)}`);
    setText(this.up, `${format.bytes(backend.bytes_up)} up`);
    setText(this.down, `${format.bytes(backend.bytes_down)} down`);
    setText(this.failed, format.count(backend.dial_failures + backend.resets));
    setAttribute(this.failed, "title",
      `${format.many(backend.dial_failures, "failed dial")}, ${format.many(backend.resets, "reset")}`);
  }

  #showButtons(name) {
    const focused = document.activeElement;
    for (const [wish, button] of this.buttons) {
      button.hidden = this.backend.admin === wish;
      setAttribute(button, "aria-label", `${button.textContent} ${name}`);
    }
    // The button that was pressed may be gone: the keyboard goes on at the next one.
    const buttons = [...this.buttons.values()];
    if (focused.hidden && buttons.includes(focused)) buttons.find((each) => !each.hidden).focus();
  }

  async #change(wish) {
    const button = this.buttons.get(wish);
    if (button.getAttribute("aria-busy")) return;
    setAttribute(button, "aria-busy", "true");
    await setBackend(this.pool, this.backend, wish);
    setAttribute(button, "aria-busy", null);
  }
}

/** The weight in force, and what it should become or was configured to be. */
function weight(backend) {
  const now = Math.round(backend.effective_weight * 10) / 10;
  if (now !== backend.weight) return `${now} of ${backend.weight}`;
  const configured = backend.configured_weight;
  if (configured !== null && configured !== backend.weight) return `${now} (file: ${configured})`;
  return String(now);
}
