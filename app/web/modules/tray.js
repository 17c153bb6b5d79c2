// The list of uploads in the corner of the page: one row per file, sent one after the other.

import { getVideo } from "./api.js";
import { button, byId, element, icon } from "./element.js";
import { count, fileSize, percent } from "./format.js";
import { progressWords } from "./job.js";
import { unfinishedUploads } from "./resumable.js";
import { Upload } from "./upload.js";

export class Tray {
  #tray = byId("tray");
  #title = byId("tray-title");
  #list = byId("tray-list");
  #uploads = [];
  #isSending = false;
  #player;
  #onChange;

  /** `player` opens finished videos; `onChange` is called when the library got, or finished, a video. */
  constructor({ player, onChange }) {
    this.#player = player;
    this.#onChange = onChange;
    byId("tray-close").addEventListener("click", () => this.#dismiss());
    window.addEventListener("beforeunload", (event) => {
      if (this.#isSending) event.preventDefault();
    });
  }

  /** Queue files and show the tray. */
  add(files) {
    for (const file of files) {
      if (!this.#uploads.some((upload) => upload.resume(file))) this.#show(new Upload(file));
    }
    this.#list.lastElementChild.scrollIntoView({ block: "nearest" });
    this.#sendAll();
  }

  /** Show what was being sent when the page was left: the browser forgets the files, so a person chooses them. */
  async restore() {
    for (const unfinished of await unfinishedUploads()) this.#show(Upload.interrupted(unfinished));
  }

  #show(upload) {
    this.#uploads.push(upload);
    this.#list.append(this.#row(upload));
    this.#tray.hidden = false;
    this.#showTitle();
  }

  async #sendAll() {
    if (this.#isSending) return;
    this.#isSending = true;
    let upload;
    while ((upload = this.#uploads.find((each) => each.state === "waiting"))) {
      const jobId = await upload.send();
      if (jobId) this.#follow(upload, jobId);
    }
    this.#isSending = false;
  }

  async #follow(upload, jobId) {
    this.#onChange();
    await upload.follow(jobId);
    this.#onChange();
  }

  #dismiss() {
    this.#uploads = this.#uploads.filter((upload) => !upload.isOver);
    for (const row of [...this.#list.children]) {
      if (row.hasAttribute("data-over")) row.remove();
    }
    this.#tray.hidden = true;
  }

  #row(upload) {
    const state = element("span", { class: "tray-state" });
    const bar = element("progress", { max: 1, "aria-label": `Progress of ${upload.file.name}` });
    const actions = element("span", { class: "tray-actions" });
    const row = element("li", { class: "tray-row" }, [
      element("span", { class: "tray-name", title: upload.file.name }, upload.file.name),
      actions, state, bar,
    ]);
    let shownState = null;
    const show = () => {
      row.dataset.state = upload.state;
      row.toggleAttribute("data-over", upload.isOver);
      state.textContent = stateWords(upload);
      bar.hidden = upload.isOver;
      showFraction(bar, upload);
      if (upload.state !== shownState) actions.replaceChildren(...this.#actions(upload));
      shownState = upload.state;
      this.#showTitle();
    };
    upload.addEventListener("change", show);
    show();
    return row;
  }

  #actions(upload) {
    const { name } = upload.file;
    const action = (label, picture, onClick) => [
      button({ class: "button-icon", "aria-label": label, title: label }, icon(picture), onClick),
    ];
    if (upload.state === "searchable") return action(`Play ${name}`, "play", () => this.#play(upload));
    if (!upload.isOver) return action(`Cancel ${name}`, "close", () => upload.cancel());
    return action(`Try ${name} again`, "replay", () => this.#tryAgain(upload));
  }

  async #tryAgain(upload) {
    if (upload.jobId) { // the server has the file
      const jobId = await upload.retry();
      if (jobId) this.#follow(upload, jobId);
    } else {
      upload.reset();
      this.#sendAll();
    }
  }

  async #play(upload) {
    try {
      this.#player.openVideo(await getVideo(upload.videoId));
    } catch (problem) {
      upload.fail(problem);
    }
  }

  #showTitle() {
    const number = (isMeant) => this.#uploads.filter(isMeant).length;
    const left = number((upload) => !upload.isOver);
    const known = number((upload) => upload.isKnown);
    const added = number((upload) => upload.state === "searchable") - known;
    const failed = number((upload) => upload.state === "failed");
    const parts = [];
    if (added) parts.push(`${count(added, "video")} added`);
    if (known) parts.push(`${known} already there`);
    if (failed) parts.push(`${failed} failed`);
    const result = parts.join(", ") || "Nothing added";
    this.#title.textContent = left ? `Adding ${count(left, "video")}` : result;
  }
}

function showFraction(bar, upload) {
  const isUnknown = upload.state === "waiting" || (upload.state === "indexing" && upload.fraction === 0);
  if (isUnknown) bar.removeAttribute("value"); // the bar then only says that something goes on
  else bar.value = upload.fraction;
}

function stateWords(upload) {
  if (upload.state === "waiting") return `Next in line · ${fileSize(upload.file.size)}`;
  const sent = `${percent(upload.fraction)} of ${fileSize(upload.file.size)}`;
  if (upload.state === "sending") return `${upload.isPaused ? "No connection, goes on by itself" : "Sending"} · ${sent}`;
  if (upload.state === "interrupted") return `Stopped at ${sent} · add the file again to go on`;
  if (upload.state === "indexing") return progressWords(upload);
  if (upload.state === "searchable") return upload.isKnown ? "Already in your library" : "Searchable";
  if (upload.state === "cancelled") return "Cancelled";
  return upload.problem.message;
}
