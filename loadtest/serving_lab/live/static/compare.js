// Asks the server for what is new, and keeps the page up to date.

import { build, draw, SERVICES } from "./charts.js";
import * as words from "./words.js";

const element = (id) => document.getElementById(id);
const base = document.body.dataset.base;
const charts = build(element("charts"), element("chart"));

const FIGURES = [
  ["Requests", "requests_per_second", words.perSecond],
  ["Latency P50", "p50_seconds", words.milliseconds],
  ["Latency P95", "p95_seconds", words.milliseconds],
  ["Latency P99", "p99_seconds", words.milliseconds],
  ["Error answers", "error_ratio", words.percent],
  ["CPU", "cpu_cores", words.cores],
  ["Memory", "memory_bytes", words.mebibytes],
  ["Cache hits", "cache_hit_ratio", words.percent],
];
const SIGNS = { same: "✓", differs: "✗", "meant to differ": "≠", unknown: "?" };
const IN_A_RUN = { memory_bytes: "peak_memory_bytes" };

let points = [];
let state = null;
let failures = 0;

const poll = async () => {
  try {
    const query = new URLSearchParams({ session: state?.session ?? "", since: points.at(-1)?.sequence ?? 0 });
    const answer = await fetch(`${base}/data?${query}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
    const fresh = await answer.json();
    if (fresh.session !== state?.session) points = [];
    const oldest = fresh.time - fresh.history_seconds;
    points = [...points, ...fresh.points].filter((point) => point.time >= oldest);
    state = fresh;
    failures = 0;
    if (!document.hidden) render();
  } catch (error) {
    failures += 1;
    if (failures > 1) showBanners([["alarm", `Locust does not answer (${error.message}). Still trying.`]]);
  }
  setTimeout(poll, (state?.interval_seconds ?? 2) * 1000);
};

const render = () => {
  const newest = points.at(-1);
  const run = state.runs.at(-1);
  const figures = figuresNow(newest, run);
  renderStatus(newest, run);
  renderVerdict(figures);
  renderFigures(figures);
  renderConditions();
  renderRuns();
  renderBanners(newest, run);
  draw(charts, points, state, Number(element("span").value));
};

const figuresNow = (newest, run) => {
  if (document.querySelector("[name=over]:checked").value === "window") return (service, key) => newest?.[service]?.[key];
  return (service, key) => run?.summary[service]?.[IN_A_RUN[key] ?? key];
};

const renderStatus = (newest, run) => {
  const generator = newest?.generator;
  const parts = [];
  if (run && run.stopped === null) parts.push(`Running for ${words.duration(state.time - run.started)}`, `${generator?.users ?? 0} users`);
  else if (run) parts.push(`Last run ended at ${words.clock(run.stopped)} after ${words.duration(run.stopped - run.started)}`);
  else parts.push("No run yet");
  if (generator) parts.push(`generator at ${words.percent(generator.cpu_ratio)} of a core`);
  if (generator?.workers !== null && generator?.workers !== undefined) parts.push(`${generator.workers} workers`);
  element("status").textContent = parts.join(" · ");
};

const renderVerdict = (figures) => {
  const { number, words: text, hint } = words.verdict(words.ratioOf(...SERVICES.map((service) => figures(service, "requests_per_second"))));
  element("ratio").textContent = number;
  element("words").textContent = text;
  element("hint").textContent = hint;
};

const renderFigures = (figures) => {
  element("window").textContent = state.window_seconds;
  element("figures").replaceChildren(...FIGURES.map(([name, key, format]) => {
    const values = SERVICES.map((service) => figures(service, key));
    return row([name, ...values.map(format), words.compared(...values)]);
  }));
};

const renderConditions = () => {
  element("conditions").replaceChildren(...state.conditions.map(({ name, flask, fastapi, verdict }) => {
    const line = row([name, ...[flask, fastapi].map((value) => words.short(value)), SIGNS[verdict]]);
    [...line.cells].slice(1, 3).forEach((cell, index) => { cell.title = [flask, fastapi][index] ?? ""; });
    line.className = verdict;
    line.lastChild.title = verdict;
    line.lastChild.setAttribute("aria-label", verdict);
    return line;
  }));
  const verdicts = state.conditions.map((condition) => condition.verdict);
  const differing = state.conditions.filter((condition) => condition.verdict === "differs").map((condition) => condition.name);
  const [text, mark] = differing.length ? [`No: ${differing.join(", ")}`, "bad"]
    : verdicts.includes("unknown") ? ["Not known yet", ""] : ["Yes", "good"];
  element("fair").textContent = text;
  element("fair").className = `mark ${mark}`;
};

const renderRuns = () => {
  const select = element("run");
  const known = state.runs.map((run) => run.id).join();
  if (select.dataset.known !== known) {
    select.dataset.known = known;
    select.replaceChildren(...state.runs.toReversed().map((run) => new Option(`${words.clock(run.started)}`, run.id)));
    select.disabled = !state.runs.length;
    if (!state.runs.length) select.append(new Option("none yet"));
  }
  for (const kind of ["csv", "json"]) {
    element(kind).toggleAttribute("aria-disabled", !state.runs.length);
    if (state.runs.length) {
      element(kind).removeAttribute("aria-disabled");
      element(kind).href = `${base}/runs/${select.value}.${kind}`;
    } else element(kind).setAttribute("aria-disabled", "true");
  }
};

const renderBanners = (newest, run) => {
  const banners = [];
  const generator = newest?.generator;
  if (generator?.saturated.length) {
    banners.push(["alarm", `The load generator is saturated (${generator.saturated.join(", ")}): it now measures itself, and nothing else here can be trusted. Use fewer users, or LOCUST_WORKERS.`]);
  }
  for (const service of SERVICES) {
    const { problem, url } = state.services[service];
    if (problem) banners.push(["alarm", `${service === "flask" ? "Flask" : "FastAPI"} does not answer at ${url}: ${problem}`]);
  }
  if (generator?.workers_expected && generator.workers < generator.workers_expected) {
    banners.push(["warning", `${generator.workers} of ${generator.workers_expected} workers are connected; the run goes on with those.`]);
  } else if (generator?.workers_lost) {
    banners.push(["warning", `Workers lost since Locust started: ${generator.workers_lost}. The others took over their users.`]);
  }
  if (run?.finding) banners.push(["warning", run.finding]);
  if (!run || run.stopped !== null) {
    const quiet = SERVICES.every((service) => !newest?.[service]?.requests);
    if (quiet) banners.push(["note", "No traffic. Start a run in Locust, and both services' lines appear here."]);
  }
  showBanners(banners);
};

const showBanners = (banners) => {
  const shown = JSON.stringify(banners);
  if (element("banners").dataset.shown === shown) return;
  element("banners").dataset.shown = shown;
  element("banners").replaceChildren(...banners.map(([kind, text]) => Object.assign(document.createElement("p"), { className: `banner ${kind}`, textContent: text })));
};

const row = ([head, ...cells]) => {
  const line = document.createElement("tr");
  line.append(Object.assign(document.createElement("th"), { scope: "row", textContent: head }));
  line.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return line;
};

const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches
  ? document.documentElement.dataset.theme !== "light" : document.documentElement.dataset.theme === "dark";

const showTheme = () => {
  element("theme").textContent = isDark() ? "Light" : "Dark";
  if (state) render();
};

// Locust's own pages keep their choice under the same name.
element("theme").addEventListener("click", () => {
  localStorage.theme = document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  showTheme();
});
element("print").addEventListener("click", () => print());
element("span").addEventListener("change", () => state && render());
element("run").addEventListener("change", renderRuns);
document.querySelectorAll("[name=over]").forEach((input) => input.addEventListener("change", () => state && render()));
document.addEventListener("visibilitychange", () => !document.hidden && state && render());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
matchMedia("print").addEventListener("change", () => {
  if (!state) return;
  render();
  charts.forEach(({ plot }) => Plotly.Plots.resize(plot));
});

showTheme();
poll();
