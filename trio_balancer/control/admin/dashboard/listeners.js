// The listeners, as a table.

import { byId, Keyed, make, setAttribute, setBadge, setText } from "./dom.js";
import * as format from "./format.js";

const WORDS = { open: "Open", full: "Full", closed: "Closed", draining: "Draining" };

export class Listeners {
  constructor() {
    this.rows = new Keyed(byId("listener-rows"), () => new ListenerRow());
  }

  show(listeners) {
    this.rows.show(listeners.map((listener) => [listener.name, listener]));
  }
}

class ListenerRow {
  constructor() {
    this.badge = make("span", { class: "badge" });
    this.name = make("span");
    this.addresses = make("small", { class: "mono" });
    this.cells = Object.fromEntries(
      ["pool", "active", "rate", "accepted", "refused", "bytes"].map((key) => [key, make("span")]));
    const number = (label, key) => make("td", { class: "number", "data-label": label }, this.cells[key]);
    this.node = make("tr", {},
      make("td", { class: "state" }, this.badge),
      make("td", { class: "name" }, this.name, this.addresses),
      make("td", { "data-label": "Pool" }, this.cells.pool),
      make("td", { "data-label": "Connections" }, this.cells.active),
      number("New/s", "rate"), number("Accepted", "accepted"),
      number("Refused", "refused"), number("Up / down", "bytes"));
  }

  update(listener) {
    setBadge(this.badge, listener.state, WORDS[listener.state] ?? listener.state);
    setText(this.name, listener.name);
    setText(this.addresses, listener.addresses.join(", "));
    const { cells } = this;
    setText(cells.pool, listener.pool ?? "by its routes");
    setText(cells.active, format.ofLimit(listener.active, listener.limit));
    setText(cells.rate, format.rate(listener.rate));
    setText(cells.accepted, format.count(listener.accepted));
    setText(cells.refused, format.count(listener.refused));
    const why = Object.entries(listener.refusals).map(([word, number]) => `${word} ${number}`);
    setAttribute(cells.refused, "title", why.join(", ") || null);
    setText(cells.bytes, `${format.bytes(listener.bytes_up)} / ${format.bytes(listener.bytes_down)}`);
  }
}
