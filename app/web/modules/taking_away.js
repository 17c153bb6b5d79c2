// Takes hits and moments away as files. They are fetched first, so that a refusal is shown in the service's words.

import { exportUrl, getFile } from "./api.js";
import { drawer } from "./drawer.js";
import { byId, element } from "./element.js";
import { count } from "./format.js";

const MOST_OF_A_SEARCH = 100; // the API's largest page
const MOST_CHOSEN = 400; // as many as it takes

const READ_WITHIN_MS = 60_000; // long after any browser has begun to read what it keeps

/** Let the browser keep the file at `url`; `trigger`, the button for it, is busy meanwhile. Fails with a Problem. */
export async function takeAway(url, trigger) {
  if (trigger.ariaBusy === "true") return;
  trigger.ariaBusy = "true"; // not disabled, which would take the keyboard's focus away
  try {
    const { blob, name } = await getFile(url);
    const link = element("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), READ_WITHIN_MS);
  } finally {
    trigger.ariaBusy = "false";
  }
}

export class ExportMenu {
  #menu = byId("export");
  #button = byId("export-button");
  #error = byId("export-error");
  #results;

  /** `results` is the Search whose hits are exported. */
  constructor(results) {
    this.#results = results;
    drawer(this.#button, byId("export-menu"));
    for (const choice of this.#menu.querySelectorAll("[data-format]")) {
      choice.addEventListener("click", () => this.#export(choice.dataset.format));
    }
  }

  /** Show the menu when there is something to export. */
  show() {
    const shown = this.#results.hits.length;
    this.#error.hidden = true;
    this.#menu.hidden = shown === 0;
    byId("export-amount").textContent = this.#isOfPicture
      ? `The ${count(shown, "hit")} shown here.`
      : `The best ${MOST_OF_A_SEARCH} at most, with timecode.`;
  }

  get #isOfPicture() {
    return this.#results.request.get("picture") !== null;
  }

  /** What says which hits: the search itself, but for one with a picture, which no address can hold. */
  get #wanted() {
    if (!this.#isOfPicture) return [...this.#results.request.parameters, ["limit", MOST_OF_A_SEARCH]];
    return this.#results.hits
      .flatMap((hit) => (hit.moments.length ? hit.moments : [hit]))
      .slice(0, MOST_CHOSEN)
      .map((hit) => ["moment", `${hit.video_id}:${hit.start.toFixed(3)}-${hit.end.toFixed(3)}`]);
  }

  async #export(format) {
    this.#error.hidden = true;
    try {
      await takeAway(exportUrl(format, this.#wanted), this.#button);
    } catch (problem) {
      this.#error.textContent = problem.message;
      this.#error.hidden = false;
    }
  }
}
