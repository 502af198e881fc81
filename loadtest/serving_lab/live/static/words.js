// Figures as people read them.

const formatter = (digits) => new Intl.NumberFormat("en", { maximumSignificantDigits: digits });
const three = formatter(3);
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const MIB = 1024 * 1024;

export const known = (value) => value !== null && value !== undefined;
const or = (format) => (value) => known(value) ? format(value) : "–";

export const number = or((value) => value >= 1000 ? whole.format(value) : three.format(value));
export const perSecond = or((value) => `${number(value)} /s`);
export const milliseconds = or((value) => `${number(value * 1000)} ms`);
export const percent = or((value) => `${three.format(value * 100)}%`);
export const mebibytes = or((value) => `${whole.format(value / MIB)} MiB`);
export const cores = or((value) => `${value.toFixed(2)} cores`);

const LONGEST = 16;
export const short = or((text) => text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

const EQUAL = 0.05;
const alike = (ratio) => Math.abs(ratio - 1) < EQUAL;

/** A candidate's figure divided by the baseline's; null where that cannot be done. */
export const ratio = (baseline, candidate) => known(baseline) && known(candidate) && baseline > 0 && candidate > 0 ? candidate / baseline : null;

/** How a candidate's figure compares with the baseline's. */
export const compared = (baseline, candidate) => {
  if (known(baseline) && baseline === candidate) return "the same";
  const times = ratio(baseline, candidate);
  if (times === null) return "";
  if (alike(times)) return "the same";
  if (times >= 2) return `${formatter(2).format(times)} times`;
  return times < 1 ? `${whole.format((1 - times) * 100)}% less` : `${whole.format((times - 1) * 100)}% more`;
};

/** The headline of a candidate: its throughput as a multiple of the baseline's, as a number and as a sentence. */
export const headline = (baseline, candidate, times) => {
  if (times === null) return { number: "–", words: `No traffic to compare ${candidate} with ${baseline}`, alike: false };
  const shown = times.toFixed(2);
  return { number: `${shown}×`, words: sentence(baseline, candidate, Number(shown)), alike: alike(Number(shown)) };
};

const sentence = (baseline, candidate, times) => {
  if (alike(times)) return `${candidate} answers as many requests as ${baseline}`;
  if (times < 1) return `${candidate} answers ${whole.format((1 - times) * 100)}% fewer requests than ${baseline}`;
  if (times < 1.5) return `${candidate} answers ${whole.format((times - 1) * 100)}% more requests than ${baseline}`;
  return `${candidate} answers ${formatter(2).format(times)} times as many requests as ${baseline}`;
};

export const duration = (seconds) => {
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
};

export const clock = (unixSeconds) => new Date(unixSeconds * 1000).toLocaleTimeString("en-GB");
