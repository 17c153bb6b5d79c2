// Turns numbers of the API into words for people.

const MINUTE_S = 60;
const HOUR_S = 3600;

/** Return seconds as mm:ss, or h:mm:ss from one hour on, rounded down as the browser's own player does. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const padded = (value) => String(value).padStart(2, "0");
  const rest = `${padded(Math.floor((whole % HOUR_S) / MINUTE_S))}:${padded(whole % MINUTE_S)}`;
  return whole >= HOUR_S ? `${Math.floor(whole / HOUR_S)}:${rest}` : rest;
}

/** Return a time range as mm:ss–mm:ss. */
export function clockRange(startSeconds, endSeconds) {
  return `${clock(startSeconds)}–${clock(endSeconds)}`;
}

/** Return a size in bytes as "12.3 MB". */
export function fileSize(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Return a fraction as "43 %". */
export function percent(fraction) {
  return `${Math.round(Math.min(1, Math.max(0, fraction)) * 100)} %`;
}

/** Return how long something will still take, as a person would say it: "about 3 min left". */
export function timeLeft(seconds) {
  if (seconds < MINUTE_S) return `${Math.max(1, Math.round(seconds))} s left`;
  const minutes = Math.round(seconds / MINUTE_S);
  if (minutes < 60) return `about ${minutes} min left`;
  return `about ${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

/** Return an ISO timestamp as a day in the reader's language. */
export function day(timestamp) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(new Date(timestamp));
}

/** Return "1 video" or "12 videos". */
export function count(number, noun) {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}
