// Server-sent events by fetch, because EventSource can send no token.

import { headers } from "./requests.js";

// The balancer tells its status every second: a silence this long means that it is gone.
const SILENCE = 6000;
const FIRST_WAIT = 1000;
const LAST_WAIT = 8000;

/** An endless stream of events; tells `listener` what comes, and when it is lost or back. */
export class EventStream {
  /** `listener` has `event(name, data)`, `live()`, `lost(reason, milliseconds)`, `refused()`. */
  constructor(url, listener) {
    this.url = url;
    this.listener = listener;
    this.wait = FIRST_WAIT;
    this.timer = 0;
  }

  /** Connect now, whatever is planned. */
  connect() {
    clearTimeout(this.timer);
    this.attempt?.abort();
    const attempt = new AbortController();
    this.attempt = attempt;
    this.#run(attempt).catch((error) => {
      if (this.attempt === attempt) this.#retry(error);
    });
  }

  async #run(attempt) {
    const silence = new Silence(() => attempt.abort(new Error("it says nothing")));
    try {
      const response = await fetch(this.url, {
        headers: headers(), signal: attempt.signal, cache: "no-store",
      });
      if (response.status === 401) return this.listener.refused();
      if (!response.ok) throw new Error(`it answers ${response.status}`);
      await this.#read(response.body.getReader(), silence);
    } finally {
      silence.end();
    }
    throw new Error("it ended the connection");
  }

  async #read(reader, silence) {
    const decoder = new TextDecoder();
    let buffer = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      silence.broken();
      const parts = (buffer + decoder.decode(value, { stream: true })).split("\n\n");
      buffer = parts.pop();
      this.wait = FIRST_WAIT;
      this.listener.live();
      for (const part of parts) this.#tell(part);
    }
  }

  #tell(part) {
    const fields = new Map(part.split("\n").map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }));
    this.listener.event(fields.get("event"), JSON.parse(fields.get("data")));
  }

  #retry(error) {
    this.listener.lost(error.message, this.wait);
    this.timer = setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(this.wait * 2, LAST_WAIT);
  }
}

/** Notices when nothing has come for too long. */
class Silence {
  constructor(callback) {
    this.callback = callback;
    this.broken();
  }

  broken() {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.callback, SILENCE);
  }

  end() {
    clearTimeout(this.timer);
  }
}
