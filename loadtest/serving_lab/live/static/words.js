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

/** The ratio of two figures, null where there is none. */
export const ratioOf = (flask, fastapi) => known(flask) && known(fastapi) && flask > 0 && fastapi > 0 ? fastapi / flask : null;

/** How FastAPI's figure stands against Flask's, in words. */
export const compared = (flask, fastapi) => flask === fastapi && known(flask) ? "as much" : against(ratioOf(flask, fastapi));

const against = (ratio) => {
  if (ratio === null) return "–";
  if (alike(ratio)) return "as much";
  if (ratio >= 2) return `${three.format(ratio)} times`;
  return ratio < 1 ? `${whole.format((1 - ratio) * 100)}% less` : `${whole.format((ratio - 1) * 100)}% more`;
};

/** The headline: which of the two answers more, and what to make of it. */
export const verdict = (ratio) => {
  if (ratio === null) return { number: "–", words: "No traffic to compare", hint: "" };
  const shown = ratio.toFixed(2);
  const number = `${shown}×`;
  if (alike(Number(shown))) {
    return {
      number, words: "Both answer as many",
      hint: "Each has as many users, who pause between requests. What differs now is how long they wait; more users show who can answer more.",
    };
  }
  const [more, times] = ratio > 1 ? ["FastAPI", ratio] : ["Flask", 1 / ratio];
  const amount = times < 1.5 ? `${whole.format((times - 1) * 100)}% more` : `${formatter(2).format(times)} times as many`;
  return { number, words: `${more} answers ${amount}`, hint: "Requests answered a second, with as many users on each." };
};

export const duration = (seconds) => {
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
};

export const clock = (unixSeconds) => new Date(unixSeconds * 1000).toLocaleTimeString("en-GB");
