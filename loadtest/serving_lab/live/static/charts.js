// The charts: what each shows, and drawing them.

import * as words from "./words.js";

const MIB = 1024 * 1024;

const CHARTS = [
  { title: "Throughput", key: "requests_per_second", words: words.perSecond, suffix: " /s", traffic: true },
  { title: "Latency P50, estimated", key: "p50_seconds", words: words.milliseconds, scale: 1000, suffix: " ms", traffic: true },
  { title: "Latency P95, estimated", key: "p95_seconds", words: words.milliseconds, scale: 1000, suffix: " ms", traffic: true },
  { title: "Latency P99, estimated", key: "p99_seconds", words: words.milliseconds, scale: 1000, suffix: " ms", traffic: true },
  { title: "Failed requests", key: "failed_ratio", words: words.percent, scale: 100, suffix: "%", least: 1, traffic: true, instead: "error_ratio", insteadTitle: "Error answers, 4xx and 5xx" },
  { title: "Cache hits", key: "cache_hit_ratio", words: words.percent, scale: 100, suffix: "%", most: 100, traffic: true },
  { title: "CPU", key: "cpu_cores", words: words.cores, suffix: "", limit: "cpu_limit_cores" },
  { title: "Memory", key: "memory_bytes", words: words.mebibytes, scale: 1 / MIB, suffix: " MiB", limit: "memory_limit_bytes" },
  { title: "Requests in progress", key: "in_progress", words: words.number, suffix: "", least: 4 },
];

const LEAST_SPAN = 60; // s, so that a page just opened does not stretch three points
const CONFIG = { displayModeBar: false, responsive: true };

export const build = (parent, template) => CHARTS.map((chart) => {
  const figure = template.content.firstElementChild.cloneNode(true);
  figure.querySelector("h2").textContent = chart.title;
  figure.dataset.key = chart.key;
  parent.append(figure);
  return { ...chart, figure, plot: figure.querySelector(".plot") };
});

/** Make room for the newest value of each service in every chart's caption. */
export const nameServices = (charts, services) => {
  for (const { figure } of charts) {
    figure.querySelector(".values").replaceChildren(...services.map((service) => {
      const value = Object.assign(document.createElement("span"), { textContent: "–" });
      value.dataset.service = service.name;
      const pair = document.createElement("span");
      pair.append(swatch(service), value);
      return pair;
    }));
  }
};

export const swatch = (service) => {
  const square = Object.assign(document.createElement("span"), { className: "swatch", title: service.label });
  square.style.background = service.colour;
  return square;
};

/** Draw the points of the span that ends at `now`; `state` is the newest answer of the server. */
export const draw = (charts, points, state, span) => {
  const now = state.time;
  const shown = points.filter((point) => point.time >= now - span);
  const since = Math.min(Math.max(now - span, shown[0]?.time ?? now), now - LEAST_SPAN);
  const times = shown.map((point) => new Date(point.time * 1000));
  const style = colours();
  const marks = [...saturatedStretches(shown), ...runMarks(state.runs, since)];
  for (const chart of charts) drawOne(chart, shown, times, state, since, style, marks);
};

// Whether a request failed, only Locust knows of its own. Of others the services say how many they answered with an error.
const knownOf = (chart, points) => {
  const newest = Object.values(points.at(-1)?.services ?? {});
  const has = (key) => newest.some((figures) => words.known(figures[key]));
  return chart.instead && !has(chart.key) && has(chart.instead) ? { ...chart, key: chart.instead, title: chart.insteadTitle } : chart;
};

const drawOne = (asked, points, times, state, since, style, marks) => {
  const chart = knownOf(asked, points);
  chart.figure.querySelector("h2").textContent = chart.title;
  const scale = chart.scale ?? 1;
  const { services } = state;
  const values = services.map(({ name }) => points.map((point) => {
    const value = point.services[name]?.[chart.key];
    return words.known(value) ? value * scale : null;
  }));
  const all = values.flat().filter((value) => value !== null);
  const drawn = chart.traffic && !asked.instead ? all.some((value) => value > 0) : all.length > 0;
  const empty = chart.figure.querySelector(".empty");
  empty.hidden = drawn;
  empty.textContent = chart.traffic ? "No traffic" : "No reading";

  const limits = chart.limit ? services.map((service) => service[chart.limit]).filter(words.known) : [];
  const limit = limits.length ? Math.min(...limits) * scale : null;
  const highest = Math.max(chart.least ?? 0, ...all) * 1.12 || 1;
  const limitShown = limit !== null && limit < highest * 4;
  const top = chart.most ?? (limitShown ? Math.max(highest, limit * 1.08) : highest);

  const newest = services.map(({ name }) => chart.words(points.at(-1)?.services[name]?.[chart.key]));
  chart.figure.querySelectorAll(".values [data-service]").forEach((value, index) => { value.textContent = newest[index]; });
  const summary = services.map(({ label }, index) => `${label} ${newest[index]}`);
  chart.plot.setAttribute("role", "img");
  chart.plot.setAttribute("aria-label", `${chart.title}: ${summary.join(", ")}`);

  const traces = services.map(({ label, colour }, index) => ({
    type: "scatter", mode: "lines", name: label, x: times, y: values[index],
    line: { color: colour, width: 2.2 }, connectgaps: false,
    hovertemplate: `%{y:.3~s}${chart.suffix}`,
  }));
  const limitLine = { type: "line", xref: "paper", x0: 0, x1: 1, y0: limit, y1: limit, line: { color: style.bad, width: 1.2, dash: "dash" } };
  const now = new Date(state.time * 1000);
  Plotly.react(chart.plot, traces, {
    margin: { l: 54, r: 14, t: 8, b: 26 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: style.family, size: 12, color: style.muted },
    showlegend: false, hovermode: "x unified", dragmode: false,
    hoverlabel: { bgcolor: style.card, bordercolor: style.line, font: { color: style.text } },
    xaxis: { type: "date", range: [new Date(since * 1000), now], gridcolor: style.line, showgrid: false, nticks: 5, ticklabelposition: "outside right", tickformat: "%H:%M:%S", hoverformat: "%H:%M:%S", fixedrange: true, linecolor: style.line },
    yaxis: { range: [0, top], gridcolor: style.line, zerolinecolor: style.line, nticks: 5, ticksuffix: chart.suffix, tickformat: "~r", fixedrange: true },
    shapes: limitShown ? [...marks, limitLine] : marks,
    annotations: limitShown ? [{ xref: "paper", x: 0, y: limit, xanchor: "left", yanchor: "bottom", text: "limit", showarrow: false, font: { size: 11, color: style.bad } }] : [],
  }, CONFIG);
};

const colours = () => {
  const page = getComputedStyle(document.body);
  const card = getComputedStyle(document.querySelector(".card"));
  const hint = getComputedStyle(document.querySelector(".hint"));
  return { text: page.color, family: page.fontFamily, card: card.backgroundColor, line: card.borderTopColor, muted: hint.color, bad: "#c9352b" };
};

const saturatedStretches = (points) => points.flatMap((point, index) => {
  const next = points[index + 1];
  if (!point.generator.saturated.length || !next) return [];
  return [{ type: "rect", layer: "below", yref: "paper", y0: 0, y1: 1, x0: new Date(point.time * 1000), x1: new Date(next.time * 1000), fillcolor: "rgba(201,53,43,0.16)", line: { width: 0 } }];
});

const runMarks = (runs, since) => runs.flatMap((run) => [run.started, run.stopped])
  .filter((time) => time !== null && time > since)
  .map((time) => ({ type: "line", layer: "below", yref: "paper", y0: 0, y1: 1, x0: new Date(time * 1000), x1: new Date(time * 1000), line: { color: "rgba(128,140,152,0.6)", width: 1, dash: "dot" } }));
