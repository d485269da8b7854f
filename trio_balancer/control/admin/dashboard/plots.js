// Four numbers that say how it goes, each with its last five minutes.

import { byId, draw, make, setAttribute, setText } from "./dom.js";
import * as format from "./format.js";

const WINDOW = 300; // seconds
const GAP = 20; // seconds without a sample that break a line
const WIDTH = 300;
const HEIGHT = 60;

/** What is plotted; `series` make points `[at, value]` of the samples. */
const PLOTS = [
  {
    title: "Connections",
    series: [(samples) => samples.map((sample) => [sample.at, sample.active])],
    value: ([now]) => [format.count(now), ""],
    detail: ({ connections: c }) => (c.limit === null ? "" : `limit ${format.count(c.limit)}, `)
      + `most ${format.count(c.peak)}`,
    axis: format.count,
  },
  {
    title: "New connections",
    series: [(samples) => perSecond(samples, (sample) => sample.accepted)],
    value: ([now]) => [format.rate(now), "/s"],
    detail: ({ connections: c }) => `${format.count(c.accepted)} accepted, `
      + `${format.count(c.refused)} refused`,
    axis: (value) => `${format.rate(value)}/s`,
  },
  {
    title: "Throughput",
    series: [
      (samples) => perSecond(samples, (sample) => sample.bytes_down),
      (samples) => perSecond(samples, (sample) => sample.bytes_up),
    ],
    value: ([down]) => [format.bytes(down), "/s down"],
    second: ([, up]) => `${format.bytes(up)}/s up`,
    axis: (value) => `${format.bytes(value)}/s`,
  },
  {
    title: "Connect time",
    series: [
      (samples) => samples.map((sample) => [sample.at, sample.connect_p50]),
      (samples) => samples.map((sample) => [sample.at, sample.connect_p99]),
    ],
    value: ([p50]) => [format.time(p50), " p50"],
    second: ([, p99]) => `${format.time(p99)} p99, slowest pool`,
    axis: format.time,
  },
];

/** Turn a counter into a rate between each two samples. */
function perSecond(samples, counter) {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index];
    const seconds = sample.at - before.at;
    return [sample.at, seconds > 0 ? Math.max(counter(sample) - counter(before), 0) / seconds : 0];
  });
}

/** All plots, and the samples that they show. */
export class Plots {
  constructor() {
    this.samples = [];
    this.plots = PLOTS.map((plot) => new Plot(plot));
    byId("plots").append(...this.plots.map((plot) => plot.node));
  }

  /** Begin with what the balancer remembers. */
  begin(samples) {
    this.samples = samples;
  }

  add(sample) {
    this.samples.push(sample);
    const oldest = sample.at - WINDOW - 10;
    this.samples = this.samples.filter(({ at }) => at >= oldest && at <= sample.at);
  }

  show(status) {
    for (const plot of this.plots) plot.show(this.samples, status);
  }
}

class Plot {
  constructor(plot) {
    this.plot = plot;
    this.value = make("span");
    this.unit = make("small");
    this.detail = make("p", { class: plot.second ? "detail second" : "detail" });
    this.area = draw("path", { class: "area" });
    this.lines = plot.series.map((_, index) => draw("path", { class: index ? "line two" : "line" }));
    this.highest = make("span");
    this.node = this.#node();
  }

  #node() {
    const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none",
      "aria-hidden": "true" },
      draw("line", { class: "top", x1: 0, x2: WIDTH, y1: 0, y2: 0 }),
      draw("line", { class: "ground", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }),
      this.area, ...this.lines);
    return make("div", { class: "plot card" },
      make("h2", { text: this.plot.title }),
      make("p", { class: "value" }, this.value, this.unit),
      this.detail, svg,
      make("p", { class: "axis" }, make("span", { text: "5 min" }), this.highest,
        make("span", { text: "now" })));
  }

  show(samples, status) {
    const series = this.plot.series.map((points) => points(samples));
    const latest = series.map((points) => points.at(-1)?.[1] ?? 0);
    const [value, unit] = this.plot.value(latest);
    setText(this.value, value);
    setText(this.unit, unit);
    setText(this.detail, this.plot.second ? this.plot.second(latest) : this.plot.detail(status));
    this.#draw(series, samples.at(-1)?.at ?? 0);
  }

  #draw(series, now) {
    const start = now - WINDOW;
    const seen = series.map((points) => points.filter(([at, value]) => at >= start && value !== null));
    const most = Math.max(...seen.flat().map(([, value]) => value), 0);
    setText(this.highest, most ? `top ${this.plot.axis(most)}` : "");
    const place = ([at, value]) => [
      ((at - start) / WINDOW) * WIDTH, HEIGHT - (most ? value / most : 0) * (HEIGHT - 2),
    ];
    this.lines.forEach((line, index) => setAttribute(line, "d", path(seen[index], place, false)));
    setAttribute(this.area, "d", path(seen[0], place, true));
  }
}

/** Write a path through the points, down to the ground where it is an area. */
function path(points, place, closed) {
  let text = "";
  let run = [];
  const end = () => {
    if (run.length > 1) {
      const steps = run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
      const down = closed ? `V${HEIGHT}H${run[0][0].toFixed(1)}Z` : "";
      text += `M${steps}${down}`;
    }
    run = [];
  };
  let before = null;
  for (const point of points) {
    if (before !== null && point[0] - before > GAP) end();
    run.push(place(point));
    before = point[0];
  }
  end();
  return text || "M0 0";
}
