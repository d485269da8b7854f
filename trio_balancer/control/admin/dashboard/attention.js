// What somebody should look at, first thing on the page.

import { look, why } from "./backend.js";
import { byId, Keyed, make, setText } from "./dom.js";
import * as format from "./format.js";

// Of many backends in trouble, the first few; the chips above the pools find the others.
const MOST = 6;

/** Each problem as `[what, sentence]`. */
function problems(status) {
  return [...ofProcess(status), ...ofListeners(status), ...ofPools(status), ...ofLeaving(status)];
}

function* ofProcess(status) {
  if (status.draining) {
    yield ["The balancer stops", `${format.many(status.connections.active, "connection")} still open`];
  }
  const { last_error: error, last_at: at } = status.reloads;
  if (error) yield ["The last reload failed", `at ${format.clock(at)}, nothing was changed: ${error}`];
  const { active, limit, bugs, accept_errors: errors } = status.connections;
  if (limit !== null && active >= limit) {
    yield ["The limit of connections is reached", `${format.count(limit)}; clients wait`];
  }
  if (bugs) yield [format.many(bugs, "bug"), "ended connections; the log says more"];
  if (errors) yield [format.many(errors, "failure"), "to accept a client"];
  if (status.log.dropped) yield [format.many(status.log.dropped, "log line"), "lost"];
}

function* ofListeners(status) {
  for (const { name, state, limit } of status.listeners) {
    if (state === "full") yield [`Listener ${name} is full`, `${format.ofLimit(limit, null)} connections`];
    if (state === "closed") yield [`Listener ${name} is closed`, "its port refuses clients"];
  }
}

function* ofPools(status) {
  const bad = [];
  for (const pool of status.pools) {
    if (pool.backends.every((backend) => look(backend) !== "up")) {
      yield [`Pool ${pool.name} has no backend`, "that is up"];
    }
    for (const backend of pool.backends) {
      if (["down", "ejected"].includes(look(backend))) bad.push([pool, backend]);
    }
  }
  for (const [pool, backend] of bad.slice(0, MOST)) yield ofBackend(pool, backend);
  if (bad.length > MOST) yield [`${bad.length - MOST} more backends`, "are down or ejected"];
}

// A reload has removed them: they are in none of the lists below.
function* ofLeaving({ leaving }) {
  for (const { what, name, pool, active } of leaving.slice(0, MOST)) {
    const title = what === "listener" ? `Listener ${name}` : `${pool}/${name}`;
    yield [`${title} was removed`, `${format.many(active, "connection")} still open`];
  }
  if (leaving.length > MOST) yield [`${leaving.length - MOST} more`, "were removed and have connections"];
}

function ofBackend(pool, backend) {
  const reason = why(backend);
  const since = `for ${format.age(backend.in_state_for)}`;
  return [`${pool.name}/${backend.name} is ${look(backend)}`, reason ? `${since}: ${reason}` : since];
}

/** The list at the top. */
export class Attention {
  constructor() {
    this.items = new Keyed(byId("attention-list"), () => new Item());
  }

  show(status) {
    const found = problems(status);
    byId("attention").hidden = found.length === 0;
    this.items.show(found.map(([what, sentence]) => [what, { what, sentence }]));
  }
}

class Item {
  constructor() {
    this.what = make("b");
    this.sentence = document.createTextNode("");
    this.node = make("li", {}, this.what, document.createTextNode(" "), this.sentence);
  }

  update({ what, sentence }) {
    setText(this.what, what);
    setText(this.sentence, sentence);
  }
}
