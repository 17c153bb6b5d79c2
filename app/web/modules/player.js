// The dialog that plays a hit at its best moment, or a video from its beginning.

import { cutUrl, getVideo, problemAt } from "./api.js";
import { byId, element, icon } from "./element.js";
import { Explanation } from "./explanation.js";
import { clock, clockRange } from "./format.js";
import { likeLink, scoreText } from "./hits.js";
import { judgeButtons } from "./judge_buttons.js";
import { takeAway } from "./taking_away.js";
import { Timeline } from "./timeline.js";

const STEP_S = 5; // Shift and an arrow key

export class Player {
  #dialog = byId("player");
  #video = byId("player-video");
  #problem = byId("player-problem");
  #loop = byId("player-loop");
  #cut = byId("player-cut");
  #error = byId("player-error");
  #timeline = new Timeline();
  #explanation = new Explanation({
    onOpen: () => this.#video.pause(),
    onClose: () => this.#play(),
    onPlay: (second) => this.#playFrom(second),
  });
  #results = null; // the Search whose hits the arrow keys walk through; null for a whole video
  #index = 0;
  #hit = null;
  #source = null; // what is loaded: {videoId, file, url, startAt, offset, preview}, where `offset` is second 0 of `url`

  constructor() {
    byId("player-close").addEventListener("click", () => this.close());
    byId("player-previous").addEventListener("click", () => this.#step(-1));
    byId("player-next").addEventListener("click", () => this.#step(1));
    byId("player-replay").addEventListener("click", () => this.#replay());
    this.#loop.addEventListener("click", () => this.#setLooping(!this.#isLooping));
    this.#dialog.addEventListener("close", () => this.#stop());
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.close());
    this.#dialog.addEventListener("keydown", (event) => this.#onKey(event), { capture: true });
    this.#video.addEventListener("loadedmetadata", () => this.#onMetadata());
    this.#video.addEventListener("timeupdate", () => this.#onTime());
    this.#video.addEventListener("ended", () => this.#isLooping && this.#replay());
    this.#video.addEventListener("error", () => this.#onError());
    this.#video.addEventListener("play", () => this.#explanation.uncover());
    this.#cut.addEventListener("click", () => this.#cutOut());
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Play hit number `index` of `results` at its best moment, or `hit`, a moment that stands behind it. */
  openHit(results, index, hit = results.hits[index]) {
    this.#results = results;
    this.#index = index;
    this.#hit = hit;
    const startAt = hit.best_at ?? hit.start;
    byId("player-position").textContent = `Moment ${index + 1} of ${results.hits.length}${results.hasMore ? "+" : ""}`;
    byId("player-facts").replaceChildren(
      fact("Clip", clockRange(hit.start, hit.end)), " ",
      ...(hit.best_at === null ? [] : [fact("best at", clock(hit.best_at)), " "]),
      fact("score", scoreText(hit)),
    );
    this.#video.poster = hit.thumbnail_url;
    this.#open(hit.video, {
      videoId: hit.video_id, url: hit.stream_url, startAt, preview: hit.preview_url,
    });
    this.#showControls();
    this.#showMoments();
    const isJudged = results.judging && hit.steps.length === 0;
    byId("player-actions").replaceChildren(
      likeLink(hit, results.request), ...(isJudged ? [judgeButtons(results.judging, hit)] : []),
    );
    this.#explanation.take(hit === results.hits[index] ? () => results.explain(index) : null);
  }

  /** Play a whole video of the library from its beginning. */
  openVideo(video) {
    this.#results = null;
    this.#hit = null;
    byId("player-position").textContent = "";
    byId("player-facts").replaceChildren(fact("Length", clock(video.duration ?? 0)));
    this.#video.removeAttribute("poster");
    this.#open(video, { videoId: video.id, url: video.stream_url, startAt: 0 });
    this.#showControls();
    this.#timeline.show(0, []);
    byId("player-actions").replaceChildren();
    this.#explanation.take(null);
  }

  /** Close the dialog, which stops the video. */
  close() {
    if (this.isOpen) this.#dialog.close();
  }

  #open(video, { videoId, url, startAt, preview = null }) {
    const [file] = url.split("#");
    const download = byId("player-download");
    byId("player-title").textContent = video.title;
    download.href = file;
    download.download = video.filename;
    this.#problem.hidden = true;
    this.#error.hidden = true;
    this.#showNote(false);
    this.#load({ videoId, file, url: file, startAt, offset: 0, preview });
    if (!this.isOpen) this.#dialog.showModal();
  }

  #load(source) {
    const isSameFile = this.#source?.url === source.url && this.#video.videoWidth > 0 && !this.#video.error;
    this.#source = source;
    if (isSameFile) this.#video.currentTime = Math.max(0, source.startAt - source.offset);
    else this.#video.src = `${source.url}#t=${source.startAt - source.offset}`;
    if (this.#explanation.isOpen) return; // a person compares explanations, and the film would play under one
    this.#play(); // at once: some browsers allow it only in the very moment of the click
  }

  #onMetadata() {
    if (!this.#source) return; // closed meanwhile
    if (this.#video.videoWidth === 0) return this.#onUnplayable(); // it would play the sound alone
    this.#video.currentTime = this.#source.startAt - this.#source.offset;
    this.#showMoments();
  }

  #playFrom(seconds) {
    this.#video.currentTime = Math.max(0, seconds - (this.#source?.offset ?? 0));
    this.#play();
  }

  #replay() {
    this.#playFrom(this.#hit?.start ?? 0);
  }

  #play() {
    // A browser may refuse to start sound by itself; the person then has the play button.
    this.#video.play().catch(() => {});
  }

  #onTime() {
    const currentTime = this.#video.currentTime + (this.#source?.offset ?? 0);
    this.#timeline.moveTo(currentTime);
    if (this.#isLooping && this.#hit && currentTime >= this.#hit.end) this.#replay();
  }

  #onError() {
    if (this.#video.hasAttribute("src")) this.#onUnplayable();
  }

  /** Play the converted copy of the moment where there is one and the file itself is there; else say why not. */
  async #onUnplayable() {
    const source = this.#source;
    if (!source) return;
    if (!source.preview || await problemAt(source.file)) {
      this.#explain();
      return;
    }
    if (this.#source !== source) return; // another one was opened meanwhile
    this.#showNote(true);
    const offset = Number(new URL(source.preview, location.href).searchParams.get("start"));
    this.#load({ ...source, url: source.preview, offset, preview: null });
  }

  #showNote(isConverted) {
    byId("player-note").hidden = !isConverted;
  }

  async #explain() {
    const source = this.#source;
    const download = byId("player-download");
    const problem = await problemAt(source.file) ?? await this.#unplayable(source);
    if (this.#source !== source) return;
    const isFileThere = problem.status === undefined;
    this.#showNote(false);
    this.#problem.replaceChildren(
      icon("warning"),
      element("h3", {}, problem.title),
      element("p", {}, problem.detail),
      ...(isFileThere ? [downloadLink(download)] : []),
    );
    this.#problem.hidden = false;
  }

  async #unplayable(source) {
    const video = await getVideo(source.videoId).catch(() => null);
    const kind = video?.codec ? `It is ${video.codec.toUpperCase()} video in the file “${video.filename}”. ` : "";
    return {
      title: "This browser cannot play this file",
      detail: `${kind}Download it and play it in another program, at ${clock(source.startAt)}.`,
    };
  }

  async #cutOut() {
    const [hit, words] = [this.#hit, this.#cut.lastElementChild];
    const label = words.textContent;
    this.#error.hidden = true;
    words.textContent = "Cutting the moment…";
    try {
      await takeAway(cutUrl(hit), this.#cut);
    } catch (problem) {
      this.#error.textContent = problem.message;
      this.#error.hidden = this.#hit !== hit; // another one was opened meanwhile
    } finally {
      words.textContent = label;
    }
  }

  async #step(by) {
    const results = this.#results;
    if (!results) return;
    const index = this.#index + by;
    if (index >= results.hits.length) await results.more();
    if (this.isOpen && index >= 0 && index < results.hits.length) this.openHit(results, index);
  }

  #onKey(event) {
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!direction || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.shiftKey) this.#video.currentTime += direction * STEP_S;
    else this.#step(direction);
  }

  get #isLooping() {
    return this.#loop.getAttribute("aria-pressed") === "true";
  }

  #setLooping(isLooping) {
    this.#loop.setAttribute("aria-pressed", String(isLooping));
  }

  #showControls() {
    const isHit = this.#hit !== null;
    const isLast = isHit && this.#index === this.#results.hits.length - 1 && !this.#results.hasMore;
    byId("player-previous").hidden = !isHit;
    byId("player-next").hidden = !isHit;
    byId("player-previous").disabled = this.#index === 0;
    byId("player-next").disabled = isLast;
    byId("player-replay").hidden = !isHit;
    this.#loop.hidden = !isHit;
    this.#cut.hidden = !isHit;
  }

  #showMoments() {
    if (!this.#hit) return;
    const moments = this.#results.momentsIn(this.#hit.video_id)
      .filter(({ hit }) => hit.clip_id !== this.#hit.clip_id);
    moments.push({ hit: this.#hit, isCurrent: true, onChoose: () => this.#playFrom(this.#source.startAt) });
    moments.sort((one, other) => one.hit.start - other.hit.start); // so that Tab goes through them in time
    const known = this.#video.readyState > 0 && Number.isFinite(this.#video.duration) ? this.#video.duration : null;
    this.#timeline.show(this.#hit.video.duration ?? known ?? 0, moments);
  }

  #stop() {
    this.#video.pause();
    this.#video.removeAttribute("src");
    this.#video.load(); // drops the connection: a paused video keeps reading ahead
    this.#source = null;
    this.#showNote(false);
    this.#explanation.close();
    this.#results?.focusHit(this.#index);
  }
}

function fact(name, value) {
  return element("span", {}, [`${name} `, element("b", {}, value)]);
}

function downloadLink(original) {
  const link = element("a", { class: "button button-primary", href: original.href, download: original.download });
  link.append(icon("download"), "Download the file");
  return link;
}
