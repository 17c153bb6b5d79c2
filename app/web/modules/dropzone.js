// Takes files in: the "Add videos" button, and files dragged anywhere onto the page.

import { byId } from "./element.js";
import { isPicture } from "./search_line.js";

export class Dropzone {
  #overlay = byId("drop-overlay");
  #input = byId("upload-input");
  #depth = 0; // dragenter and dragleave also come from every child passed over
  #onVideos;
  #onPicture;

  /** `onVideos` is called with the files chosen or dropped, `onPicture` with a picture that was dropped. */
  constructor({ onVideos, onPicture }) {
    this.#onVideos = onVideos;
    this.#onPicture = onPicture;
    byId("upload-button").addEventListener("click", () => this.#input.click());
    this.#input.addEventListener("change", () => this.#takeChosen());
    window.addEventListener("dragenter", (event) => this.#enter(event));
    window.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    window.addEventListener("dragleave", () => this.#leave());
    window.addEventListener("drop", (event) => this.#drop(event));
  }

  #takeChosen() {
    const files = [...this.#input.files];
    this.#input.value = ""; // so that choosing the same file again is a change
    if (files.length) this.#onVideos(files);
  }

  #enter(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.#depth += 1;
    const items = [...event.dataTransfer.items]; // some browsers tell only at the drop what they are
    const arePictures = items.length > 0 && items.every(isPicture);
    byId("drop-words").textContent = arePictures ? "Drop the picture to search with it" : "Drop videos to add them";
    this.#overlay.hidden = false;
  }

  #leave() {
    this.#depth = Math.max(0, this.#depth - 1);
    if (this.#depth === 0) this.#overlay.hidden = true;
  }

  #drop(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.#depth = 0;
    this.#overlay.hidden = true;
    const files = filesOf(event.dataTransfer);
    const videos = files.filter((file) => !isPicture(file));
    const picture = files.find(isPicture);
    if (videos.length) this.#onVideos(videos);
    if (picture) this.#onPicture(picture);
  }
}

function hasFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

function filesOf(transfer) {
  // A dropped folder also shows up as a "file", one that cannot be read.
  return [...transfer.items]
    .filter((item) => item.kind === "file" && !item.webkitGetAsEntry?.()?.isDirectory)
    .map((item) => item.getAsFile());
}
