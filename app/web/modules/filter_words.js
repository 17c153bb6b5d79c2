// Active filters in words, and what people type as the API takes it. Days are the reader's own.

import { clock, day } from "./format.js";

const WORDS = {
  collection: (value) => `in ${value}`,
  recorded_after: (value) => `recorded from ${dayWords(value)}`,
  recorded_before: (value) => `recorded to ${dayWords(value, -1)}`,
  min_duration: (value) => `at least ${clock(value)} long`,
  max_duration: (value) => `at most ${clock(value)} long`,
  min_confidence: (value) => ({ medium: "likely or surer", high: "very likely" }[value]),
  mode: (value) => ({ visual: "what is seen", text: "what is said" }[value]),
  sort: (value) => ({ recorded_at: "newest recording first", added_at: "newest in the library first" }[value]),
  group_by: (value) => ({ video: "one hit for each video" }[value]),
};

/** Return a filter in words: "recorded from 17 May 2026". */
export function filterWords(name, value) {
  return WORDS[name](value) ?? `${name} ${value}`;
}

/** Return the time at which a day as "2026-05-17" begins here, `later` days on, as the API takes it. */
export function beginningOf(typedDay, later = 0) {
  if (!typedDay) return null;
  const [year, month, date] = typedDay.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

/** Return the day here, as a date field takes it, of a time `milliseconds` away from `time`; "" for what is none. */
export function typedDay(time, milliseconds = 0) {
  const moment = new Date(new Date(time).getTime() + milliseconds);
  if (Number.isNaN(moment.getTime())) return "";
  const two = (number) => String(number).padStart(2, "0");
  return `${String(moment.getFullYear()).padStart(4, "0")}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
}

/** Return "1:30", "1:00:00" or "90" as seconds; null for what is no duration. */
export function seconds(typed) {
  if (!/^(\d+:){0,2}\d+(\.\d+)?$/.test(typed)) return null;
  return typed.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
}

function dayWords(time, milliseconds = 0) {
  const moment = new Date(time).getTime() + milliseconds;
  return Number.isNaN(moment) ? time : day(moment);
}
