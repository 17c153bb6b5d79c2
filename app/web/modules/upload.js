// One file on its way into the library: waiting → sending → indexing → searchable, or failed, or cancelled.
// One that a reload stopped is interrupted until its file is chosen again.

import { cancelJob, Problem, retryJob } from "./api.js";
import { followJob } from "./job.js";
import { fingerprint, forgetUpload, sendFile } from "./resumable.js";

export class Upload extends EventTarget {
  #abort = new AbortController();

  /** A "change" event is sent whenever `state`, `stage`, `fraction`, `eta_s`, `isKnown` or `problem` changed. */
  constructor(file) {
    super();
    this.file = file;
    this.reset();
  }

  reset() {
    this.#abort = new AbortController();
    this.videoId = null;
    this.jobId = null;
    this.#change({
      state: "waiting", stage: "", fraction: 0, eta_s: null, isKnown: false, isPaused: false, problem: null,
    });
  }

  /** Return an upload that a reload stopped, as `unfinishedUploads` tells of it. */
  static interrupted({ name, size, lastModified, offset }) {
    const upload = new Upload({ name, size, lastModified });
    upload.#change({ state: "interrupted", fraction: offset / size });
    return upload;
  }

  /** Go on with the file, if this upload was stopped and the file is the same; returns whether it is. */
  resume(file) {
    if (this.state !== "interrupted" || fingerprint(file) !== fingerprint(this.file)) return false;
    this.file = file;
    this.#change({ state: "waiting" });
    return true;
  }

  get isOver() {
    return ["searchable", "failed", "cancelled"].includes(this.state);
  }

  /** Send the file and return the id of the job to follow; null when there is none, as after a failure. */
  async send() {
    if (this.state !== "waiting") return null;
    this.#change({ state: "sending" });
    try {
      const accepted = await sendFile(this.file, {
        onProgress: (fraction) => this.#change({ fraction }),
        onPause: (problem) => this.#change({ isPaused: problem !== null }),
        signal: this.#abort.signal,
      });
      this.videoId = accepted.video_id;
      if (accepted.state === "ready") {
        this.#change({ state: "searchable", isKnown: !accepted.is_new });
        return null;
      }
      return this.#index(accepted.job_id);
    } catch (problem) {
      if (problem.name === "AbortError") this.#change({ state: "cancelled" });
      else this.fail(problem);
      return null;
    }
  }

  /** Follow the job until the video can be searched, has failed or was cancelled. */
  async follow(jobId) {
    try {
      await followJob(jobId, (job) => this.#take(job));
    } catch (problem) {
      this.fail(problem);
    }
  }

  /** Give up sending, or have the server give up indexing. */
  async cancel() {
    if (["waiting", "interrupted"].includes(this.state)) {
      this.#change({ state: "cancelled" });
      await forgetUpload(this.file);
    }
    this.#abort.abort();
    if (this.state !== "indexing") return;
    try {
      this.#take(await cancelJob(this.jobId));
    } catch (problem) {
      // A job that has just ended cannot be cancelled, and its last event says how it ended.
      if (problem.type !== "/problems/job-conflict") this.fail(problem);
    }
  }

  /** Have a file that the server has indexed again; returns the id of the job to follow, null after a failure. */
  async retry() {
    try {
      await retryJob(this.jobId);
      return this.#index(this.jobId);
    } catch (problem) {
      this.fail(problem);
      return null;
    }
  }

  /** End with a Problem, which is shown. */
  fail(problem) {
    this.#change({ state: "failed", problem });
  }

  #index(jobId) {
    this.jobId = jobId;
    this.#change({ state: "indexing", stage: "queued", fraction: 0, eta_s: null, problem: null });
    return jobId;
  }

  #take(job) {
    if (job.state === "done") this.#change({ state: "searchable", fraction: 1 });
    else if (job.state === "cancelled") this.#change({ state: "cancelled" });
    else if (job.state === "failed") this.fail(problemOf(job.error));
    else this.#change({ stage: job.stage, fraction: job.fraction, eta_s: job.eta_s });
  }

  #change(values) {
    Object.assign(this, values);
    this.dispatchEvent(new Event("change"));
  }
}

function problemOf(error) {
  const reason = error ? `${error.message}. ${error.advice}` : "the worker gave no reason";
  return new Problem("It could not be indexed", reason);
}
