// The pools, each with its backends.

import { BackendRow, headings, look } from "./backend.js";
import { byId, Keyed, make, setAttribute, setText } from "./dom.js";
import * as format from "./format.js";
import { Tools } from "./tools.js";

// With more backends than this, the gaps in the line of a pool would take all of its room.
const DENSE = 60;

/** All pools; shown anew with each status, or when the user looks for something else. */
export class Pools {
  constructor() {
    this.tools = new Tools(() => this.#render(false));
    this.cards = new Keyed(byId("pool-list"), () => new PoolCard());
    this.pools = [];
  }

  show(pools) {
    this.pools = pools;
    this.#render(true);
  }

  #render(steady) {
    this.tools.count(this.pools);
    const chosen = this.pools.map((pool) => [pool, this.tools.choose(pool)]);
    const shown = chosen.filter(([, backends]) => backends.length || !this.tools.narrow);
    this.cards.show(shown.map(([pool, backends]) => [pool.name, { pool, backends, steady }]));
    setText(byId("found"), this.tools.narrow ? this.#found(chosen) : "");
  }

  #found(chosen) {
    const found = chosen.reduce((sum, [, backends]) => sum + backends.length, 0);
    const all = this.pools.reduce((sum, pool) => sum + pool.backends.length, 0);
    return found ? `${found} of ${format.many(all, "backend")}` : "No backend is like that.";
  }
}

class PoolCard {
  constructor() {
    this.name = make("h3");
    this.required = make("span", { class: "tag", text: "required" });
    this.policy = make("span", { class: "soft" });
    this.health = make("span", { class: "health", "aria-hidden": "true" });
    this.bars = new Keyed(this.health, () => new Bar());
    this.facts = make("span", { class: "facts" });
    this.up = make("span");
    this.traffic = make("span");
    this.waiting = make("span");
    this.connect = make("span");
    this.facts.append(this.up, this.traffic, this.waiting, this.connect);
    this.body = make("tbody");
    this.rows = new Keyed(this.body, () => new BackendRow());
    this.node = make("details", { class: "pool card", open: true },
      make("summary", {},
        make("span", { class: "title" }, this.name, this.required, this.policy),
        this.health, this.facts),
      make("table", { class: "grid backends" }, headings(), this.body));
  }

  update({ pool, backends, steady }) {
    setText(this.name, pool.name);
    this.required.hidden = !pool.required;
    setText(this.policy, pool.policy);
    this.#showFacts(pool);
    this.health.classList.toggle("is-dense", pool.backends.length > DENSE);
    this.bars.show(pool.backends.map((backend) => [backend.name, look(backend)]));
    // Whoever points at a row, or has the keyboard in it, wants it to stay where it is.
    const busy = steady && this.body.matches(":hover, :focus-within");
    this.rows.show(backends.map((backend) => [backend.name, { pool, backend }]), busy);
  }

  #showFacts(pool) {
    const up = pool.backends.filter((backend) => look(backend) === "up").length;
    setText(this.up, `${up} of ${pool.backends.length} up`);
    setText(this.traffic, `${format.many(pool.active, "connection")}, ${format.rate(pool.rate)} new/s`);
    const waiting = pool.queued + pool.held;
    setText(this.waiting, waiting ? `${format.count(waiting)} waiting` : "");
    this.waiting.hidden = !waiting;
    const times = `${format.time(pool.connect_p50)} / ${format.time(pool.connect_p99)}`;
    setText(this.connect, `connect ${times}`);
    setAttribute(this.connect, "title", "median and 99th percentile");
  }
}

/** A backend in the line that shows the whole pool at a glance. */
class Bar {
  constructor() {
    this.node = make("i");
  }

  update(state) {
    setAttribute(this.node, "data-state", state);
  }
}
