// The results of one search: a first page, further pages, and the sentences about them.

import { getVideo, previewUrl, Problem, searchVideos } from "./api.js";
import { coverageSentence } from "./coverage.js";
import { button, byId, element } from "./element.js";
import { count } from "./format.js";
import { hitCard, skeletonCards } from "./hits.js";
import { JudgedBar } from "./judged_bar.js";
import { Judging } from "./judging.js";
import { emptyPanel, problemPanel } from "./message.js";
import { keptPicture } from "./pictures.js";
import { go, keepPages } from "./route.js";
import { SearchRequest } from "./search_request.js";
import { ExportMenu } from "./taking_away.js";

const PAGE_SIZE = 24; // divides evenly into 2, 3, 4 and 6 columns

const PICTURE_LOST = [
  "The picture is not here any more",
  "An address cannot hold one: it was in the tab that searched with it. Choose it again.",
  0,
  "picture-lost",
];

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
  #judgedBar = new JudgedBar();
  #exportMenu;
  #abort = null;
  #cursor = null;
  #cursors = []; // of each hit: the cursor that its page was asked for with
  #explained = new Map(); // cursor → promise of the answer with explanations
  #player;
  #onPictureLost;

  /** `player` opens hits, through which it walks here; `onPictureLost` lets a person choose one anew. */
  constructor({ player, onPictureLost }) {
    this.#player = player;
    this.#onPictureLost = onPictureLost;
    this.request = new SearchRequest();
    this.judging = null; // what is judged for the words; null where there are no words alone
    this.hits = [];
    this.#exportMenu = new ExportMenu(this);
    this.#moreButton.addEventListener("click", () => this.more());
  }

  /** Show so many pages of a SearchRequest's results at once; a search still under way is given up. */
  async run(request, pages = 1) {
    this.#abort?.abort();
    this.request = request;
    this.judging = request.isWordsAlone ? new Judging(request.words) : null;
    this.#section.hidden = false;
    this.#showWaiting(pages);
    this.#judgedBar.follow(this.judging);
    this.judging?.load().catch(() => {}); // hits can be found, and judged, without knowing what was judged before
    try {
      this.#showPages(await this.#fetchPages(pages));
    } catch (problem) {
      if (problem.name !== "AbortError") this.#showProblem(problem);
    }
  }

  /** Leave the results for another view. */
  hide() {
    this.#abort?.abort();
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
      this.#append(await this.#fetchPage(this.#cursor), this.#cursor);
      keepPages(new Set(this.#cursors).size);
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

  /** Return the explanation of hit number `index`; null when it is not found any more. */
  async explain(index) {
    const [hit, cursor] = [this.hits[index], this.#cursors[index]];
    if (!this.#explained.has(cursor)) {
      const page = this.#ask({ cursor, explain: true }); // only now, as it makes an answer half as long again
      this.#explained.set(cursor, page);
      page.catch(() => this.#explained.delete(cursor));
    }
    const { data } = await this.#explained.get(cursor);
    return data.find((one) => one.clip_id === hit.clip_id)?.explanation ?? null;
  }

  async #fetchPages(number) {
    const answers = [];
    let cursor = null;
    do {
      answers.push(await this.#fetchPage(cursor));
      cursor = answers.at(-1).page_info.next_cursor;
    } while (cursor !== null && answers.length < number);
    return answers;
  }

  #fetchPage(cursor) {
    this.#abort = new AbortController();
    return this.#ask({ cursor, signal: this.#abort.signal });
  }

  async #ask(options) {
    const key = this.request.get("picture");
    const picture = key === null ? null : keptPicture(key);
    if (picture === undefined) throw new Problem(...PICTURE_LOST);
    const answer = await searchVideos(this.request, picture, { limit: PAGE_SIZE, ...options });
    if (!Array.isArray(answer?.data)) throw new Problem("The answer cannot be read", "It holds no list of hits.");
    return answer;
  }

  #showWaiting(pages) {
    const hadFocus = [this.#grid, this.#message].some((part) => part.contains(document.activeElement));
    this.#title.textContent = titleOf(this.request);
    this.#coverage.textContent = "Searching…";
    this.#notices.hidden = true;
    this.#message.replaceChildren();
    this.#moreButton.hidden = true;
    this.#moreError.hidden = true;
    this.#grid.setAttribute("aria-busy", "true");
    this.#grid.replaceChildren(...skeletonCards(pages * PAGE_SIZE)); // as many as hits, so that Back finds its place
    if (hadFocus) this.#title.focus({ preventScroll: true }); // what had it is gone
    this.hits = [];
    this.#cursors = [];
    this.#explained = new Map();
    this.#exportMenu.show();
    this.#cursor = null;
  }

  #showPages([answer, ...more]) {
    this.#grid.replaceChildren();
    this.#append(answer, null);
    for (const next of more) this.#append(next, this.#cursor);
    this.#coverage.textContent = [
      coverageSentence(answer.coverage),
      `${count(answer.coverage.clips, "clip")} in ${Math.max(1, Math.round(answer.timing_ms.total))} ms`,
    ].join(" · ");
    this.#showNotices(answer.notices);
    if (this.hits.length === 0) this.#message.replaceChildren(nothingFound(answer.coverage, this.request));
    else if (answer.nothing_found) this.#message.replaceChildren(element("p", { class: "soft" }, GUESSES));
  }

  #append(answer, cursor) {
    const cards = answer.data.map((hit, offset) => {
      const index = this.hits.length + offset;
      return hitCard(hit, {
        request: this.request,
        judging: hit.steps.length ? null : this.judging, // judgements are of words, and a sequence is several
        onOpen: (moment) => this.open(index, moment),
      });
    });
    this.hits.push(...answer.data);
    this.#cursors.push(...answer.data.map(() => cursor));
    this.#exportMenu.show();
    this.#grid.append(...cards);
    this.#grid.removeAttribute("aria-busy");
    this.#cursor = answer.page_info.next_cursor;
    this.#moreButton.hidden = !this.hasMore;
  }

  /** Return the moments found in a video so far, as {hit, onChoose}: hits, and what stands behind them. */
  momentsIn(videoId) {
    return this.hits.flatMap((hit, index) => [
      { hit, onChoose: () => this.open(index) },
      ...hit.moments
        .filter((moment) => moment.clip_id !== hit.clip_id)
        .map((moment) => ({ hit: moment, onChoose: () => this.open(index, moment) })),
    ]).filter(({ hit }) => hit.video_id === videoId);
  }

  /** Play hit number `index`, or one of the moments behind it. */
  async open(index, moment = null) {
    const hit = this.hits[index];
    if (moment === null || moment.clip_id === hit.clip_id) return this.#player.openHit(this, index);
    try {
      const video = moment.video_id === hit.video_id ? hit.video : await getVideo(moment.video_id);
      if (this.hits[index] === hit) this.#player.openHit(this, index, momentAsHit(moment, video));
    } catch (problem) {
      if (this.hits[index] !== hit) return; // another search was begun meanwhile
      this.#message.replaceChildren(problemPanel(problem));
      this.#message.scrollIntoView({ block: "center" });
    }
  }

  #showNotices(notices) {
    this.#notices.replaceChildren(...notices.map((notice) => element("li", {}, notice)));
    this.#notices.hidden = notices.length === 0;
  }

  #showProblem(problem) {
    this.#grid.replaceChildren();
    this.#grid.removeAttribute("aria-busy");
    this.#coverage.textContent = "";
    const isPictureLost = problem.type === "picture-lost";
    const wayOut = isPictureLost ? this.#onPictureLost : () => this.run(this.request);
    this.#message.replaceChildren(problemPanel(problem, wayOut, isPictureLost ? "Choose a picture" : "Try again"));
  }
}

/** Return what a search is for, in words: "Moments like this picture, but “at night”". */
export function titleOf(request) {
  const examples = [
    request.get("picture") && "this picture",
    request.get("like_clip") && "this clip",
  ].filter(Boolean).join(" and ");
  const words = request.words && `“${request.words}”`;
  if (!examples) return `Moments for ${words}`;
  return `Moments like ${examples}${words && `, but ${words}`}`;
}

/** Return a moment that stands behind a hit as a hit of its own; its best second is not known. */
function momentAsHit(moment, video) {
  return { ...moment, video, best_at: null, preview_url: previewUrl(moment), steps: [] };
}

function nothingFound(coverage, request) {
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
  if (request.filters.length) {
    return emptyPanel("filter", "No moment passes these filters",
      request.get("sort") && element("p", {}, "In the order of time, only what clearly shows it is listed."),
      element("p", {}, "Take away one of them above, or all of them."),
      button({}, "Search without filters", () => go(request.withoutFilters())));
  }
  return emptyPanel("search", "No moment found",
    element("p", {}, "Try fewer or plainer words: what would be seen in the picture?"));
}
