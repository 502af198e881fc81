// The verdict and the tables: a column for each service, and each candidate compared with the baseline.

import { swatch } from "./charts.js";
import * as words from "./words.js";

const element = (id) => document.getElementById(id);

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
const HINT = "Requests answered per second, with the same number of users on each service.";
const HINT_ELSEWHERE = "Requests answered per second. They come from elsewhere: whether each service is asked equally is not known here.";
const HINT_ALIKE = "Each service has the same number of users, who pause between requests. What differs now is how long they wait; more users show which service can answer more.";

/** Put the services' names into the title, the verdict and the heads of the tables. */
export const nameServices = (services) => {
  const [baseline, ...candidates] = services;
  element("title").replaceChildren(...services.flatMap((service, index) => [separator(index, services.length), named(service)]), ", side by side");
  element("verdict-title").textContent = `Throughput, compared with ${baseline.label}`;
  element("baseline").textContent = baseline.label;
  element("verdict-card").hidden = !candidates.length;
  element("verdicts").replaceChildren(...candidates.map((service) => {
    const verdict = element("verdict").content.firstElementChild.cloneNode(true);
    verdict.dataset.service = service.name;
    return verdict;
  }));
  for (const head of document.querySelectorAll("thead tr")) {
    const [first, last] = [head.firstElementChild, head.querySelector(".last")];
    head.replaceChildren(first, ...services.map((service) => {
      const cell = Object.assign(document.createElement("th"), { scope: "col" });
      cell.append(named(service));
      return cell;
    }), ...(last ? [last] : []));
  }
};

const separator = (index, count) => index === 0 ? "" : index === count - 1 ? " and " : ", ";

const named = (service) => {
  const both = Object.assign(document.createElement("span"), { className: "named" });
  both.append(swatch(service), service.label);
  return both;
};

export const renderVerdict = ([baseline, ...candidates], figures, run) => {
  const answered = (service) => figures(service.name, "requests_per_second");
  const headlines = candidates.map((candidate) => words.headline(baseline.label, candidate.label, words.ratio(answered(baseline), answered(candidate))));
  [...element("verdicts").children].forEach((verdict, index) => {
    verdict.querySelector(".ratio").textContent = headlines[index].number;
    verdict.querySelector(".words").textContent = headlines[index].words;
  });
  element("hint").textContent = run?.elsewhere ? HINT_ELSEWHERE : headlines.some(({ alike }) => alike) ? HINT_ALIKE : HINT;
};

export const renderFigures = (services, figures) => {
  element("figures").replaceChildren(...FIGURES.map(([title, key, format]) => {
    const values = services.map((service) => figures(service.name, key));
    const line = row([title, ...values.map(format)]);
    values.slice(1).forEach((value, index) => {
      line.cells[index + 2].append(Object.assign(document.createElement("span"), { className: "against", textContent: words.compared(values[0], value) }));
    });
    return line;
  }));
};

export const renderConditions = (services, conditions) => {
  element("conditions").replaceChildren(...conditions.map(({ name, values, verdict }) => {
    const stated = services.map((service) => values[service.name]);
    const line = row([name, ...stated.map((value) => words.short(value)), SIGNS[verdict]]);
    stated.forEach((value, index) => {
      line.cells[index + 1].title = value ?? "";
      line.cells[index + 1].classList.toggle("other", verdict === "differs" && value !== stated[0]);
    });
    line.className = verdict;
    line.lastChild.title = verdict;
    line.lastChild.setAttribute("aria-label", verdict);
    return line;
  }));
  const verdicts = conditions.map((condition) => condition.verdict);
  const differing = conditions.filter((condition) => condition.verdict === "differs").map((condition) => condition.name);
  const [text, mark] = differing.length ? [`No: ${differing.join(", ")}`, "bad"]
    : verdicts.includes("unknown") ? ["Not known yet", ""] : ["Yes", "good"];
  element("fair").textContent = text;
  element("fair").className = `mark ${mark}`;
};

const row = ([head, ...cells]) => {
  const line = document.createElement("tr");
  line.append(Object.assign(document.createElement("th"), { scope: "row", textContent: head }));
  line.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return line;
};
