// The line that searches: words, and beside them a picture or a clip to be like.

import { byId, button, element, icon } from "./element.js";
import { thumbnail } from "./hits.js";
import { drawPicture, keepPicture, keptPicture } from "./pictures.js";
import { currentRequest, go } from "./route.js";

const CHIP_PIXELS = [96, 64]; // twice what it measures on the page, for fine screens

export class SearchLine {
  #input = byId("search-input");
  #file = byId("picture-input");
  #examples = byId("search-examples");

  constructor() {
    byId("search-form").addEventListener("submit", (event) => {
      event.preventDefault();
      go(this.request);
    });
    byId("picture-button").addEventListener("click", () => this.choosePicture());
    this.#file.addEventListener("change", () => this.#takeChosen());
    document.addEventListener("paste", (event) => this.#paste(event));
    document.addEventListener("keydown", (event) => this.#focusOnSlash(event));
  }

  /** What would be searched for now: what the address says, with the words as they stand in the line. */
  get request() {
    const shown = currentRequest();
    const words = this.#input.value.trim();
    return words === shown.words ? shown : shown.with({ q: words, use_judgements: null });
  }

  /** Show what is searched for. */
  show(request) {
    this.#input.value = request.words;
    const [picture, clip] = [request.get("picture"), request.get("like_clip")];
    const chips = [];
    if (picture) chips.push(this.#chip("picture", pictureOf(picture), pictureName(picture)));
    if (clip) chips.push(this.#chip("like_clip", thumbnail(`/clips/${encodeURIComponent(clip)}/thumbnail`), "the clip"));
    this.#examples.replaceChildren(...chips);
    this.#input.placeholder = chips.length ? "Add words: at night" : "Describe a moment";
  }

  focus() {
    this.#input.focus();
  }

  /** Let a person choose a picture to search with. */
  choosePicture() {
    this.#file.click();
  }

  /** Search with a picture; words that were typed and not yet searched for, or that wait for one, stay beside it. */
  searchWithPicture(file) {
    const { words } = this.request;
    const shown = currentRequest();
    const isPictureLost = shown.get("picture") !== null && !keptPicture(shown.get("picture"));
    go(this.request.with({
      q: words === shown.words && !isPictureLost ? null : words,
      picture: keepPicture(file),
      like_clip: null,
      mode: null, // nothing is said in a picture
      use_judgements: null,
    }));
  }

  #chip(name, picture, label) {
    const remove = () => {
      go(this.request.with({ [name]: null }));
      this.focus();
    };
    const words = `Search without ${label}`;
    return button({ class: "example", "aria-label": words, title: words }, [picture, icon("close")], remove);
  }

  #takeChosen() {
    const [file] = this.#file.files;
    this.#file.value = ""; // so that choosing the same file again is a change
    if (file) this.searchWithPicture(file);
  }

  #paste(event) {
    const { files, types } = event.clipboardData;
    const picture = [...files].find(isPicture);
    // Programs that copy words often copy a picture of them too: the words were meant.
    if (!picture || types.includes("text/plain")) return;
    event.preventDefault();
    this.searchWithPicture(picture);
  }

  #focusOnSlash(event) {
    const isTyping = event.target.closest("input, textarea, select, dialog[open]");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#input.select();
  }
}

/** Return whether a file is a picture, and so to be searched with and not added. */
export function isPicture(file) {
  return file.type.startsWith("image/");
}

function pictureOf(key) {
  const [width, height] = CHIP_PIXELS;
  const canvas = element("canvas", { width, height });
  const box = element("span", { class: "thumbnail" }, [icon("picture"), canvas]);
  const file = keptPicture(key);
  // One that the browser cannot draw keeps the icon: whether it can be searched with, the service says.
  if (file) drawPicture(file, canvas).then(() => box.classList.add("is-loaded"), () => canvas.remove());
  return box;
}

function pictureName(key) {
  const name = keptPicture(key)?.name;
  return name ? `the picture “${name}”` : "the picture";
}
