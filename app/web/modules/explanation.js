// Why a hit fits: the scores along it, and a heat map over its best frame.

import { problemAt } from "./api.js";
import { byId, button, element } from "./element.js";
import { clockRange } from "./format.js";

const LOADING = "Looking closer…";
const LEGEND = "Of the patches that the model kept of this frame, red fits the words best and blue least; dark ones it "
  + "dropped. It says where the words fit, not whether.";
const NOT_WORDS = "A heat map can be drawn for plain words only: this search looked for something else too, such as a "
  + "picture, a clip, a sequence or judged hits.";
const NOT_FOUND = "This moment is not found any more: the library has changed. Search again.";
const NO_SCORES = "There are no scores along this moment: it was not found by what is seen.";

export class Explanation {
  #panel = byId("player-explanation");
  #segments = byId("player-segments");
  #words = byId("player-explanation-words");
  #picture = byId("player-heatmap");
  #toggle = byId("player-why");
  #ask = null;
  #onOpen;
  #onPlay;

  /**
   * `onOpen` is called before a heat map covers the film, `onClose` when a person wants to see the film again,
   * `onPlay` with the second of a part that was chosen.
   */
  constructor({ onOpen, onClose, onPlay }) {
    this.#onOpen = onOpen;
    this.#onPlay = onPlay;
    this.#toggle.addEventListener("click", () => {
      if (!this.isOpen) return this.#open();
      this.close();
      onClose();
    });
    this.#picture.addEventListener("load", () => this.#showPicture());
    this.#picture.addEventListener("error", () => this.#showProblem());
  }

  /** Whether a person looks at the explanation of a hit, and so not at the film. */
  get isOpen() {
    return !this.#panel.hidden;
  }

  /** Take what asks for the explanation of a hit, for when a person wants to know; null where there is none. */
  take(ask) {
    this.#ask = ask;
    this.#toggle.hidden = ask === null;
    if (ask === null) this.close();
    else if (this.isOpen) this.#open();
  }

  close() {
    this.#panel.hidden = true;
    this.#toggle.setAttribute("aria-expanded", "false");
    this.uncover();
  }

  /** Take the heat map off the film. */
  uncover() {
    this.#picture.hidden = true;
    this.#picture.removeAttribute("src");
  }

  async #open() {
    const ask = this.#ask;
    this.#onOpen();
    this.#panel.hidden = false;
    this.#toggle.setAttribute("aria-expanded", "true");
    this.#segments.replaceChildren();
    this.#words.textContent = LOADING;
    this.uncover();
    try {
      const explanation = await ask();
      if (this.#isAsked(ask)) this.#show(explanation);
    } catch (problem) {
      if (this.#isAsked(ask)) this.#words.textContent = problem.message;
    }
  }

  /** Whether a person still waits for what `ask` brings, and no other hit was opened meanwhile. */
  #isAsked(ask) {
    return this.#ask === ask && this.isOpen;
  }

  #show(explanation) {
    const { segments = [], heatmap_url: heatmapUrl = null } = explanation ?? {};
    this.#segments.replaceChildren(...this.#bars(segments));
    if (heatmapUrl) this.#picture.src = heatmapUrl;
    else if (explanation === null) this.#words.textContent = NOT_FOUND;
    else this.#words.textContent = segments.length ? NOT_WORDS : NO_SCORES;
  }

  #bars(segments) {
    const best = Math.max(...segments.map((segment) => segment.score));
    return segments.map(({ start, end, score }) => {
      const bar = element("span", { class: "segment-bar" });
      bar.style.setProperty("--share", best > 0 ? Math.max(0, score / best) : 0);
      const range = clockRange(start, end);
      const node = button(
        { class: "segment", title: `${range}: play`, "aria-label": `${range}, score ${score.toFixed(3)}, play` },
        [bar, element("span", {}, score.toFixed(3))],
        () => this.#onPlay(start),
      );
      if (score === best) node.classList.add("is-best");
      return element("li", {}, node);
    });
  }

  #showPicture() {
    if (!this.#picture.hasAttribute("src")) return; // taken off the film meanwhile
    this.#picture.hidden = false;
    this.#picture.alt = "Heat map: what in the best frame fits the words";
    this.#words.textContent = LEGEND;
  }

  async #showProblem() {
    const ask = this.#ask;
    const problem = await problemAt(this.#picture.src);
    if (!this.#isAsked(ask)) return;
    this.#words.textContent = problem?.message ?? "The heat map cannot be shown.";
  }
}
