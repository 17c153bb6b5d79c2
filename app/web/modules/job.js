// Follows indexing jobs while the server tells of them (server-sent events), and puts them into words.

import { getJob, listJobs, Problem } from "./api.js";
import { percent, timeLeft } from "./format.js";

// A browser keeps six connections to a server, and searches, pictures and films need theirs.
const MOST_STREAMS = 3;
// How often the jobs without a stream are asked for, all in one request.
const POLL_INTERVAL_MS = 3000;
const MOST_LISTED = 200;

const FINAL_STATES = ["done", "failed", "cancelled"];

const STAGE_WORDS = {
  queued: "Waiting for a worker",
  starting: "Starting",
  decoding: "Indexing",
  encoding: "Finishing",
  storing: "Finishing",
};

/** Return what an open job does now, in words, with the percentage done and the time left where known. */
export function progressWords({ stage, fraction, eta_s: etaS }) {
  const words = STAGE_WORDS[stage] ?? stage;
  if (!(fraction > 0 && fraction < 1)) return words;
  return [words, percent(fraction), etaS === null || etaS === undefined ? null : timeLeft(etaS)]
    .filter(Boolean).join(" · ");
}

const waiting = []; // followers without a stream, in the order they came
let streams = 0;
let timer = null;

/** Call `onJob` with each state of a job; the promise ends with the final one, or fails with a Problem. */
export function followJob(jobId, onJob) {
  return new Promise((resolve, reject) => {
    waiting.push({ jobId, onJob, resolve, reject });
    openStreams();
  });
}

function openStreams() {
  while (streams < MOST_STREAMS && waiting.length) openStream(waiting.shift());
  if (waiting.length) timer ??= setTimeout(pollWaiting, POLL_INTERVAL_MS);
}

function openStream(follower) {
  const source = new EventSource(`/jobs/${encodeURIComponent(follower.jobId)}/events`);
  streams += 1;
  const close = () => {
    source.close();
    streams -= 1;
    openStreams();
  };
  source.addEventListener("message", (event) => {
    if (tell(follower, JSON.parse(event.data))) close();
  });
  source.addEventListener("deleted", () => {
    close();
    follower.reject(new Problem("The video was deleted", ""));
  });
  source.addEventListener("error", async () => {
    if (source.readyState !== EventSource.CLOSED) return; // it connects again by itself
    close();
    await ask(follower);
  });
}

/** Tell a follower of a job; return whether that was the last of it. */
function tell(follower, job) {
  follower.onJob(job);
  const isOver = FINAL_STATES.includes(job.state);
  if (isOver) follower.resolve(job);
  return isOver;
}

/** Read the job of a stream that the server refused, and follow it again if it goes on. */
async function ask(follower) {
  try {
    if (tell(follower, await getJob(follower.jobId))) return;
  } catch (problem) {
    // Status 0 is a server that restarts: the job lives in its database, so keep asking.
    if (problem.status !== 0) return follower.reject(problem);
  }
  setTimeout(() => {
    waiting.push(follower);
    openStreams();
  }, POLL_INTERVAL_MS);
}

async function pollWaiting() {
  timer = null;
  try {
    const { data } = await listJobs({ limit: MOST_LISTED });
    const jobs = new Map(data.map((job) => [job.id, job]));
    for (const follower of [...waiting]) {
      const job = jobs.get(follower.jobId);
      if (job && tell(follower, job)) waiting.splice(waiting.indexOf(follower), 1);
    }
  } catch {
    // The next look may succeed, and a stream that becomes free tells it anyway.
  }
  openStreams();
}
