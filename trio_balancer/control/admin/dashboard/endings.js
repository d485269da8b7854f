// The connections that ended last.

import { byId, Keyed, make, setAttribute } from "./dom.js";
import * as format from "./format.js";

const MOST = 60; // that are remembered, of either kind
const SHOWN = 25;
const WHO = {
  C: "client aborted", S: "backend aborted or refused", c: "timeout on the client's side",
  s: "timeout on the backend's side", P: "a rule of ours", R: "a resource ran out",
  I: "internal error", D: "the backend went down", K: "ended by the operator",
};
const WHEN = {
  R: "before a backend was chosen", Q: "while queued", C: "while connecting", D: "in data",
  T: "in the tarpit", "-": "",
};
const LOOKS = { "-": "good", P: "ours", K: "ours", C: "unknown", c: "warn", s: "warn" };

function meaning(ending) {
  const [who, when] = ending;
  return who === "-" ? "both sides finished" : `${WHO[who] ?? "?"} ${WHEN[when] ?? ""}`.trim();
}

/** Whether somebody may want to know why. */
const isProblem = ({ ending }) => !["-", "C"].includes(ending[0]);

export class Endings {
  constructor() {
    this.endings = [];
    this.onlyProblems = this.#toggle("only-problems");
    this.paused = this.#toggle("pause");
    this.rows = new Keyed(byId("ending-rows"), (ending) => new EndingRow(ending));
  }

  #toggle(id) {
    const button = byId(id);
    button.addEventListener("click", () => {
      setAttribute(button, "aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      this.show();
    });
    return () => button.getAttribute("aria-pressed") === "true";
  }

  /** Begin with what the balancer remembers, newest first. */
  begin(endings) {
    this.endings = endings;
    this.show();
  }

  /** Remember enough of both kinds, so that neither crowds out the other. */
  add(ending) {
    this.endings.unshift(ending);
    const problems = this.endings.filter(isProblem).slice(0, MOST);
    const others = this.endings.filter((each) => !isProblem(each)).slice(0, MOST);
    if (problems.length + others.length < this.endings.length) {
      const kept = new Set([...problems, ...others]);
      this.endings = this.endings.filter((each) => kept.has(each));
    }
  }

  show() {
    if (this.paused()) return;
    const wanted = this.onlyProblems() ? this.endings.filter(isProblem) : this.endings;
    this.rows.show(wanted.slice(0, SHOWN).map((ending) => [ending.number, ending]));
    byId("no-endings").hidden = wanted.length > 0;
  }
}

/** An ending never changes once it is there. */
class EndingRow {
  constructor(ending) {
    const went = [ending.pool, ending.backend].filter(Boolean).join("/") || "nowhere";
    const text = ending.reason ?? "";
    this.node = make("tr", {},
      make("td", { text: format.clock(ending.accepted_at + ending.total_time) }),
      make("td", { class: "wide" },
        make("span", { class: "badge code", "data-state": LOOKS[ending.ending[0]] ?? "bad",
          text: ending.ending }),
        make("span", { class: "meaning", text: meaning(ending.ending) }),
        make("span", { class: "soft", text: text && `: ${text}` })),
      make("td", { class: "mono", "data-label": "Client", text: ending.client }),
      make("td", { "data-label": "Went to" },
        document.createTextNode(went), make("span", { class: "soft", text: ` by ${ending.listener}` })),
      make("td", { class: "number", "data-label": "Lasted", text: format.time(ending.total_time) }),
      make("td", { class: "number", "data-label": "Up / down",
        text: `${format.bytes(ending.bytes_up)} / ${format.bytes(ending.bytes_down)}` }));
  }

  update() {}
}
