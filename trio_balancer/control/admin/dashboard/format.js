// Numbers as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const NONE = "–";

/** 1234 → "1,234"; from a hundred thousand on, "123K". */
export function count(number) {
  if (number === null || number === undefined) return NONE;
  return Math.abs(number) < 100_000 ? whole.format(number) : short.format(number);
}

/** A number per second, with a decimal where that says something. */
export function rate(number) {
  return number > 0 && number < 10 ? String(Math.round(number * 10) / 10) : count(number);
}

/** Bytes in units of a thousand: "3.4 MB". */
export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  let value = number;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A short time: "0.8 ms", "12 ms", "3.4 s"; longer ones as `age` does. */
export function time(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : age(seconds);
}

/** How long something has lasted: "12 s", "4 min", "3 h 20 min", "2 d 5 h". */
export function age(seconds) {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${Math.max(whole, 0)} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The time of day of Unix seconds: "18:42:28". */
export function clock(seconds) {
  return new Date(seconds * 1000).toTimeString().slice(0, 8);
}

/** "1 connection", "2 connections". */
export function many(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

/** "5 of 100", or "5" where there is no limit. */
export function ofLimit(number, limit) {
  return limit === null ? count(number) : `${count(number)} of ${count(limit)}`;
}
