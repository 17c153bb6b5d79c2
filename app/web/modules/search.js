// The results of one query: a first page, further pages, and the sentences about them.

import { Problem, searchVideos } from "./api.js";
import { coverageSentence } from "./coverage.js";
import { byId, element } from "./element.js";
import { count } from "./format.js";
import { hitCard, skeletonCards } from "./hits.js";
import { emptyPanel, problemPanel } from "./message.js";

const PAGE_SIZE = 24; // divides evenly into 2, 3, 4 and 6 columns

const GUESSES = "Nothing here clearly shows that. These are the nearest moments there are.";

export class Search {
  #section = byId("results");
  #title = byId("results-title");
  #coverage = byId("results-coverage");
  #notices = byId("results-notices");
  #message = byId("results-message");
  #grid = byId("results-grid");
  #moreButton = byId("results-more");
  #moreError = byId("results-more-error");
  #request = null;
  #query = "";
  #cursor = null;
  #player;

  /** `player` opens hits; this object gives it the list it walks through. */
  constructor(player) {
    this.#player = player;
    this.hits = [];
    this.#moreButton.addEventListener("click", () => this.more());
  }

  /** Show the results of `query`; a search still under way is given up. */
  async run(query) {
    this.#request?.abort();
    this.#query = query;
    this.#section.hidden = false;
    this.#showWaiting();
    try {
      const answer = await this.#fetchPage(null);
      this.#showFirstPage(answer);
    } catch (problem) {
      if (problem.name !== "AbortError") this.#showProblem(problem);
    }
  }

  /** Leave the results for another view. */
  hide() {
    this.#request?.abort();
    this.#section.hidden = true;
  }

  get hasMore() {
    return this.#cursor !== null;
  }

  /** Append the next page, if there is one; failures are shown beside the button. */
  async more() {
    if (!this.hasMore || this.#moreButton.disabled) return;
    this.#moreButton.disabled = true;
    this.#moreError.hidden = true;
    try {
      const firstNew = this.hits.length;
      this.#append(await this.#fetchPage(this.#cursor));
      if (!this.hasMore && !this.#player.isOpen) this.focusHit(firstNew);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this.#moreError.textContent = problem.message;
      this.#moreError.hidden = false;
    } finally {
      this.#moreButton.disabled = false;
    }
  }

  /** Put the keyboard's focus on hit number `index`. */
  focusHit(index) {
    this.#grid.children[index]?.querySelector("a")?.focus();
  }

  async #fetchPage(cursor) {
    this.#request = new AbortController();
    const { signal } = this.#request;
    const answer = await searchVideos({ query: this.#query, limit: PAGE_SIZE, cursor, signal });
    if (!Array.isArray(answer?.data)) throw new Problem("The answer cannot be read", "It holds no list of hits.");
    return answer;
  }

  #showWaiting() {
    this.#title.textContent = `Moments for “${this.#query}”`;
    this.#coverage.textContent = "Searching…";
    this.#notices.hidden = true;
    this.#message.replaceChildren();
    this.#moreButton.hidden = true;
    this.#moreError.hidden = true;
    this.#grid.setAttribute("aria-busy", "true");
    this.#grid.replaceChildren(...skeletonCards(12));
    this.hits = [];
    this.#cursor = null;
  }

  #showFirstPage(answer) {
    this.#grid.replaceChildren();
    this.#append(answer);
    this.#coverage.textContent = [
      coverageSentence(answer.coverage),
      `${count(answer.coverage.clips, "clip")} in ${Math.max(1, Math.round(answer.timing_ms.total))} ms`,
    ].join(" · ");
    this.#showNotices(answer.notices);
    if (this.hits.length === 0) this.#message.replaceChildren(nothingFound(answer.coverage));
    else if (answer.nothing_found) this.#message.replaceChildren(element("p", { class: "soft" }, GUESSES));
  }

  #append(answer) {
    const cards = answer.data.map((hit, offset) => {
      const index = this.hits.length + offset;
      return hitCard(hit, () => this.#player.openHit(this, index));
    });
    this.hits.push(...answer.data);
    this.#grid.append(...cards);
    this.#grid.removeAttribute("aria-busy");
    this.#cursor = answer.page_info.next_cursor;
    this.#moreButton.hidden = !this.hasMore;
  }

  #showNotices(notices) {
    this.#notices.replaceChildren(...notices.map((notice) => element("li", {}, notice)));
    this.#notices.hidden = notices.length === 0;
  }

  #showProblem(problem) {
    this.#grid.replaceChildren();
    this.#grid.removeAttribute("aria-busy");
    this.#coverage.textContent = "";
    this.#message.replaceChildren(problemPanel(problem, () => this.run(this.#query)));
  }
}

function nothingFound(coverage) {
  if (coverage.videos === 0 && coverage.videos_pending > 0) {
    return emptyPanel("film", "Your first videos are being indexed",
      element("p", {}, "They can be searched as soon as each one is done. Search again in a moment."));
  }
  if (coverage.videos === 0 && coverage.videos_of_other_models > 0) {
    return emptyPanel("film", "Your videos wait for this model",
      element("p", {}, "Another one has read them. They can be searched as soon as each is indexed again."));
  }
  if (coverage.videos === 0) {
    return emptyPanel("film", "There is nothing to search yet",
      element("p", {}, "Drop videos anywhere on this page, or use “Add videos”."));
  }
  return emptyPanel("search", "No moment found",
    element("p", {}, "Try fewer or plainer words: what would be seen in the picture?"));
}
