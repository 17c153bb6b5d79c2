// Plays a hit without sound inside its card while the mouse rests on it.

import { element } from "./element.js";

const REST_MS = 350; // a mouse that only passes over loads nothing
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Let `card` play `hit` inside `frame` while the mouse rests on the card. */
export function previewOnRest(card, frame, hit) {
  let timer = null;
  let video = null;

  const stop = () => {
    clearTimeout(timer);
    if (!video) return;
    const finished = video;
    video = null;
    finished.remove();
    finished.removeAttribute("src");
    finished.load(); // drops the connection
  };
  const start = () => {
    video = silentVideo(hit);
    video.addEventListener("error", stop);
    frame.append(video);
    video.play().catch(() => {}); // leaving the card, or a codec the browser lacks: the picture stays
  };

  card.addEventListener("pointerenter", (event) => {
    if (event.pointerType !== "mouse" || reducedMotion.matches) return;
    timer = setTimeout(start, REST_MS);
  });
  card.addEventListener("pointerleave", stop);
  card.addEventListener("click", stop);
}

function silentVideo(hit) {
  const video = element("video", { class: "hit-preview", playsinline: true, preload: "metadata", "aria-hidden": "true" });
  video.muted = true;
  video.src = `${hit.stream_url.split("#")[0]}#t=${hit.start}`;
  video.addEventListener("playing", () => video.classList.add("is-playing"));
  video.addEventListener("timeupdate", () => {
    if (video.currentTime >= hit.end) video.currentTime = hit.start;
  });
  return video;
}
