// Asks the server for new points and keeps the page up to date.

import { build, draw, nameServices } from "./charts.js";
import * as tables from "./tables.js";
import * as words from "./words.js";

const element = (id) => document.getElementById(id);
const base = document.body.dataset.base;
const charts = build(element("charts"), element("chart"));

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
    showServices();
    if (!document.hidden) render();
  } catch (error) {
    failures += 1;
    if (failures > 1) showBanners([["alarm", `Locust does not answer (${error.message}). Still trying.`]]);
  }
  setTimeout(poll, (state?.interval_seconds ?? 2) * 1000);
};

// Another Locust, started meanwhile, may have other services.
const showServices = () => {
  const shown = JSON.stringify(state.services.map(({ name, label, colour }) => [name, label, colour]));
  if (document.body.dataset.services === shown) return;
  document.body.dataset.services = shown;
  document.body.style.setProperty("--services", state.services.length);
  document.body.classList.toggle("many", state.services.length > 2);
  tables.nameServices(state.services);
  nameServices(charts, state.services);
};

const render = () => {
  const newest = points.at(-1);
  const run = state.runs.at(-1);
  const figures = figuresNow(newest, run);
  renderStatus(newest, run);
  tables.renderVerdict(state.services, figures, run);
  element("window").textContent = state.window_seconds;
  tables.renderFigures(state.services, figures);
  tables.renderConditions(state.services, state.conditions);
  renderRuns();
  renderBanners(newest, run);
  draw(charts, points, state, Number(element("span").value));
};

/** What reads a service's figure, over the time that is chosen. */
const figuresNow = (newest, run) => {
  if (document.querySelector("[name=over]:checked").value === "window") return (service, key) => newest?.services[service]?.[key];
  return (service, key) => run?.summary[service]?.[IN_A_RUN[key] ?? key];
};

const renderStatus = (newest, run) => {
  const generator = newest?.generator;
  const parts = [];
  if (run?.elsewhere && run.stopped === null) parts.push(`Load from elsewhere for ${words.duration(state.time - run.started)}`);
  else if (run && run.stopped === null) parts.push(`Running for ${words.duration(state.time - run.started)}`, `${generator?.users ?? 0} users`);
  else if (run) parts.push(`Last run ended at ${words.clock(run.stopped)} after ${words.duration(run.stopped - run.started)}`);
  else parts.push("No run yet");
  if (generator) parts.push(`generator at ${words.percent(generator.cpu_ratio)} of a core`);
  if (generator?.workers !== null && generator?.workers !== undefined) parts.push(`${generator.workers} workers`);
  element("status").textContent = parts.join(" · ");
};

const renderRuns = () => {
  const select = element("run");
  const known = state.runs.map((run) => run.id).join();
  if (select.dataset.known !== known) {
    select.dataset.known = known;
    select.replaceChildren(...state.runs.toReversed().map((run) => new Option(`${words.clock(run.started)}${run.elsewhere ? ", from elsewhere" : ""}`, run.id)));
    select.disabled = !state.runs.length;
    if (!state.runs.length) select.append(new Option("none yet"));
  }
  for (const kind of ["csv", "json"]) {
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
    banners.push(["alarm", `The load generator is saturated (${generator.saturated.join(", ")}): it now measures itself, and no figure here can be trusted. Use fewer users, or set LOCUST_WORKERS.`]);
  }
  for (const { label, problem, url } of state.services) {
    if (problem) banners.push(["alarm", `${label} does not answer at ${url}: ${problem}`]);
  }
  if (generator?.workers_expected && generator.workers < generator.workers_expected) {
    banners.push(["warning", `${generator.workers} of ${generator.workers_expected} workers are connected; the run continues with these.`]);
  } else if (generator?.workers_lost) {
    banners.push(["warning", `Workers lost since Locust started: ${generator.workers_lost}. The others have taken over their users.`]);
  }
  if (run?.finding) banners.push(["warning", run.finding]);
  if (!run || run.stopped !== null) {
    const quiet = state.services.every(({ name }) => !newest?.services[name]?.requests);
    if (quiet) banners.push(["note", "No traffic. Start a run in Locust to see a line for each service here."]);
  }
  showBanners(banners);
};

const showBanners = (banners) => {
  const shown = JSON.stringify(banners);
  if (element("banners").dataset.shown === shown) return;
  element("banners").dataset.shown = shown;
  element("banners").replaceChildren(...banners.map(([kind, text]) => Object.assign(document.createElement("p"), { className: `banner ${kind}`, textContent: text })));
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
