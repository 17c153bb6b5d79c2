// One file on its way into the library: waiting → sending → indexing → searchable, or failed, or cancelled.

import { getJob, Problem, uploadVideo } from "./api.js";
import { percent } from "./format.js";

const POLL_INTERVAL_MS = 1000;

const STAGE_WORDS = {
  queued: "Waiting for a worker",
  decoding: "Indexing",
  encoding: "Finishing",
  storing: "Finishing",
};

/** Return what a running job does now, in words, with the percentage done. */
export function progressWords({ stage, fraction }) {
  const words = STAGE_WORDS[stage] ?? stage;
  return fraction > 0 && fraction < 1 ? `${words} · ${percent(fraction)}` : words;
}

export class Upload extends EventTarget {
  #abort = new AbortController();

  /** A "change" event is sent whenever `state`, `stage`, `fraction`, `isKnown` or `problem` changed. */
  constructor(file) {
    super();
    this.file = file;
    this.reset();
  }

  reset() {
    this.#abort = new AbortController();
    this.videoId = null;
    this.#change({ state: "waiting", stage: "", fraction: 0, isKnown: false, problem: null });
  }

  get isOver() {
    return ["searchable", "failed", "cancelled"].includes(this.state);
  }

  /** Send the file and return the id of the job to follow; null when there is none, as after a failure. */
  async send() {
    if (this.state !== "waiting") return null;
    this.#change({ state: "sending" });
    try {
      const onProgress = (fraction) => this.#change({ fraction });
      const accepted = await uploadVideo(this.file, { onProgress, signal: this.#abort.signal });
      this.videoId = accepted.video_id;
      if (accepted.state === "ready") {
        this.#change({ state: "searchable", isKnown: !accepted.is_new });
        return null;
      }
      this.#change({ state: "indexing", stage: "queued", fraction: 0 });
      return accepted.job_id;
    } catch (problem) {
      if (problem.name === "AbortError") this.#change({ state: "cancelled" });
      else this.fail(problem);
      return null;
    }
  }

  /** Follow the job until the video can be searched or has failed. */
  async follow(jobId) {
    while (this.state === "indexing") {
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
      await this.#poll(jobId);
    }
  }

  /** Give up sending; a file that the server already has goes on. */
  cancel() {
    if (this.state === "waiting") this.#change({ state: "cancelled" });
    this.#abort.abort();
  }

  /** End with a Problem, which is shown. */
  fail(problem) {
    this.#change({ state: "failed", problem });
  }

  async #poll(jobId) {
    try {
      const job = await getJob(jobId);
      if (job.state === "done") this.#change({ state: "searchable", fraction: 1 });
      else if (job.state === "failed") this.fail(problemOf(job.error));
      else this.#change({ stage: job.stage, fraction: job.fraction });
    } catch (problem) {
      // Status 0 is a server that restarts: the job lives in its database, so keep asking.
      if (problem.status !== 0) this.fail(problem);
    }
  }

  #change(values) {
    Object.assign(this, values);
    this.dispatchEvent(new Event("change"));
  }
}

function problemOf(error) {
  return new Problem("It could not be indexed", error?.message ?? "the worker gave no reason");
}
