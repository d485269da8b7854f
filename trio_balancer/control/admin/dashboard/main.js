// The dashboard: what the balancer tells, shown as it comes.

import { Attention } from "./attention.js";
import { reload, stop } from "./changes.js";
import { byId, setBadge, setText } from "./dom.js";
import { Endings } from "./endings.js";
import * as format from "./format.js";
import { Listeners } from "./listeners.js";
import { Plots } from "./plots.js";
import { Pools } from "./pools.js";
import { get, keepToken } from "./requests.js";
import { EventStream } from "./stream.js";
import { askToken } from "./talk.js";
import { startTheme } from "./theme.js";

class Dashboard {
  constructor() {
    this.attention = new Attention();
    this.plots = new Plots();
    this.pools = new Pools();
    this.listeners = new Listeners();
    this.endings = new Endings();
    this.status = null;
    this.isLive = false;
    this.lostAt = null;
    this.missed = 0;
    this.stream = new EventStream("/api/events", this);
  }

  start() {
    byId("reload").addEventListener("click", () => this.status && reload(this.status));
    byId("stop").addEventListener("click", () => this.status && stop(this.status));
    byId("lost-retry").addEventListener("click", () => this.stream.connect());
    this.stream.connect();
  }

  // What the stream tells.

  event(name, data) {
    if (name === "status") this.#showStatus(data);
    else if (name === "sample") this.#addSample(data);
    else if (name === "ending") this.#addEnding(data);
    else if (name === "missed") this.missed += data.endings;
  }

  live() {
    if (this.isLive) return;
    this.isLive = true;
    setBadge(byId("link"), "live", "Live");
    byId("lost").hidden = true;
    document.body.classList.remove("is-lost");
    this.#catchUp();
  }

  lost(reason, milliseconds) {
    this.lostAt = this.isLive || !this.lostAt ? Date.now() / 1000 : this.lostAt;
    this.isLive = false;
    setBadge(byId("link"), "lost", "Connection lost");
    setText(byId("lost-text"), `The connection to the balancer is lost since ${format.clock(this.lostAt)}`
      + ` (${reason}). What you see is old. Trying again in ${milliseconds / 1000} s.`);
    byId("lost").hidden = false;
    document.body.classList.add("is-lost");
  }

  async refused() {
    setBadge(byId("link"), "lost", "Token needed");
    const token = await askToken();
    if (token !== null) keepToken(token);
    this.stream.connect();
  }

  /** Ask for what was before: the stream only tells what comes. */
  async #catchUp() {
    try {
      const [samples, endings] = await Promise.all([get("/api/history"), get("/api/endings?limit=60")]);
      this.plots.begin(samples);
      this.endings.begin(endings);
    } catch {
      // The stream itself notices that the connection is lost, and says so.
      return;
    }
    if (this.status) this.plots.show(this.status);
  }

  #addSample(sample) {
    this.plots.add(sample);
    if (this.status) this.plots.show(this.status);
  }

  #addEnding(ending) {
    this.endings.add(ending);
    this.endingsToShow ??= requestAnimationFrame(() => {
      this.endingsToShow = null;
      this.endings.show();
    });
  }

  #showStatus(status) {
    this.status = status;
    const [state, word] = status.draining ? ["draining", "Draining"]
      : status.ready ? ["up", "Serving"] : ["warn", "Not ready"];
    setBadge(byId("serving"), state, word);
    setText(byId("meta"), `version ${status.version} · process ${status.pid} · `
      + `up for ${format.age(status.uptime)}`);
    byId("stop").hidden = status.draining;
    this.attention.show(status);
    this.pools.show(status.pools);
    this.listeners.show(status.listeners);
    this.plots.show(status);
    setText(byId("footnote"), footnote(status, this.missed));
    document.title = title(status);
  }
}

function footnote(status, missed) {
  const { count, failed } = status.reloads;
  const reloads = count ? `${format.many(count, "reload")}, ${failed} failed. ` : "";
  const left = missed ? `${format.many(missed, "ending")} left out here. ` : "";
  return `${left}${reloads}${status.config_file ?? ""}`;
}

/** The title of the tab says whether something is wrong. */
function title(status) {
  const down = status.pools.flatMap((pool) => pool.backends).filter(({ state }) => state === "down");
  return down.length ? `(${down.length} down) trio-balancer` : "trio-balancer";
}

startTheme();
new Dashboard().start();
