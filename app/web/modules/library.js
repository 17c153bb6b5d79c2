// The list of all videos, newest first, which keeps itself up to date while videos are being indexed.

import { cancelJob, deleteVideo, getJob, listVideos, retryJob } from "./api.js";
import { confirmed } from "./confirmation.js";
import { byId, element } from "./element.js";
import { emptyPanel, problemPanel } from "./message.js";
import { rowKey, videoRow } from "./video_row.js";

const PAGE_SIZE = 50;
const MOST_REFRESHED = 100; // the API's largest page: rows further down are refreshed when the page is opened again
const REFRESH_INTERVAL_MS = 2000;

export class Library {
  #section = byId("library");
  #message = byId("library-message");
  #list = byId("library-list");
  #moreButton = byId("library-more");
  #moreError = byId("library-more-error");
  #rows = new Map(); // video id → {node, key}
  #videos = [];
  #cursor = null;
  #timer = null;
  #edits = 0; // counts what changes the list while a refresh is on its way, whose answer is then out of date
  #player;

  /** `player` opens a video from its beginning. */
  constructor(player) {
    this.#player = player;
    this.#moreButton.addEventListener("click", () => this.#more());
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
  }

  show() {
    this.#section.hidden = false;
    this.refresh();
  }

  hide() {
    this.#section.hidden = true;
    clearTimeout(this.#timer);
  }

  /** Fetch the newest videos again and, while some are being indexed, once more in a while. */
  async refresh() {
    clearTimeout(this.#timer);
    if (this.#section.hidden || document.hidden) return;
    try {
      const limit = Math.min(MOST_REFRESHED, Math.max(PAGE_SIZE, this.#videos.length));
      const edits = this.#edits;
      const answer = await listVideos({ limit });
      if (edits === this.#edits) this.#takeNewest(answer);
      await this.#draw();
    } catch (problem) {
      this.#showProblem(problem);
    }
    const isBusy = this.#videos.some((video) => ["pending", "indexing"].includes(video.state));
    clearTimeout(this.#timer); // another refresh may have begun meanwhile
    if (isBusy) this.#timer = setTimeout(() => this.refresh(), REFRESH_INTERVAL_MS);
  }

  #takeNewest(answer) {
    const isWhole = this.#videos.length <= MOST_REFRESHED;
    const oldest = answer.data.at(-1);
    const further = isWhole || !oldest ? [] : this.#videos.filter((video) => video.added_at < oldest.added_at);
    this.#videos = [...answer.data, ...further];
    if (isWhole) this.#cursor = answer.page_info.next_cursor;
  }

  async #more() {
    this.#moreButton.disabled = true;
    this.#moreError.hidden = true;
    try {
      const answer = await listVideos({ limit: PAGE_SIZE, cursor: this.#cursor });
      this.#edits += 1;
      const known = new Set(this.#videos.map((video) => video.id));
      this.#videos.push(...answer.data.filter((video) => !known.has(video.id)));
      this.#cursor = answer.page_info.next_cursor;
      await this.#draw();
    } catch (problem) {
      this.#moreError.textContent = problem.message;
      this.#moreError.hidden = false;
    } finally {
      this.#moreButton.disabled = false;
    }
  }

  async #draw() {
    const jobs = await runningJobs(this.#videos);
    const kept = new Map();
    this.#videos.forEach((video, index) => {
      const row = this.#rowOf(video, jobs.get(video.id) ?? null);
      kept.set(video.id, row);
      if (this.#list.children[index] !== row.node) {
        this.#list.insertBefore(row.node, this.#list.children[index] ?? null);
      }
    });
    while (this.#list.children.length > this.#videos.length) this.#list.lastElementChild.remove();
    this.#rows = kept;
    this.#moreButton.hidden = this.#cursor === null;
    this.#message.replaceChildren(...(this.#videos.length ? [] : [emptyLibrary()]));
  }

  #rowOf(video, job) {
    const key = rowKey(video, job);
    const shown = this.#rows.get(video.id);
    if (shown?.key === key) return shown;
    const node = videoRow(video, job, {
      onPlay: () => this.#player.openVideo(video),
      onCancel: () => this.#order(cancelJob, video),
      onRetry: () => this.#order(retryJob, video),
      onDelete: () => this.#delete(video),
    });
    replaceKeepingFocus(shown?.node, node);
    return { node, key };
  }

  /** Cancel or retry the indexing of a video, and show what came of it. */
  async #order(call, video) {
    try {
      await call(video.job_id);
    } catch (problem) {
      // A job that has just ended takes no orders, and the list tells how it ended.
      if (problem.type !== "/problems/job-conflict") return this.#message.replaceChildren(problemPanel(problem));
    }
    this.#edits += 1; // an answer that is on its way tells of before
    await this.refresh();
  }

  async #delete(video) {
    const isSure = await confirmed({
      title: `Delete “${video.title}”?`,
      detail: "Its moments are no longer found. An uploaded file is deleted for good; "
        + "a file indexed from a folder of yours stays where it is.",
      yes: "Delete",
    });
    if (!isSure) return;
    try {
      await deleteVideo(video.id);
      this.#edits += 1;
      this.#videos = this.#videos.filter((each) => each.id !== video.id);
      await this.refresh();
    } catch (problem) {
      this.#message.replaceChildren(problemPanel(problem));
    }
  }

  #showProblem(problem) {
    this.#message.replaceChildren(problemPanel(problem, () => this.refresh()));
  }
}

function replaceKeepingFocus(old, node) {
  const focused = old?.querySelector(":focus");
  old?.replaceWith(node);
  if (focused) node.querySelector(`[class="${focused.className}"]`)?.focus();
}

async function runningJobs(videos) {
  const indexing = videos.filter((video) => video.state === "indexing" && video.job_id);
  const jobs = await Promise.all(indexing.map((video) => getJob(video.job_id).catch(() => null)));
  return new Map(indexing.map((video, index) => [video.id, jobs[index]]));
}

function emptyLibrary() {
  return emptyPanel("film", "Add your first videos",
    element("p", {}, "Drop files anywhere on this page, or use “Add videos”."),
    element("p", { class: "soft" }, [
      "A whole folder is quickest from a terminal: ", element("code", {}, "python -m indexer.batch FOLDER"),
    ]));
}
