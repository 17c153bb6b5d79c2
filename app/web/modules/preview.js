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
    play(hit.stream_url.split("#")[0], 0);
  };
  const play = (url, offset) => {
    const shown = silentVideo(url, hit.start - offset, hit.end - offset);
    video = shown;
    const showCopy = () => {
      if (video !== shown) return; // the mouse has left the card
      stop(); // a codec the browser lacks: its copy is shown, and the picture stays until it is there
      if (url !== hit.preview_url) play(hit.preview_url, startOf(hit.preview_url));
    };
    shown.addEventListener("error", showCopy);
    shown.addEventListener("loadedmetadata", () => shown.videoWidth === 0 && showCopy());
    frame.append(shown);
    shown.play().catch(() => {}); // leaving the card
  };

  card.addEventListener("pointerenter", (event) => {
    if (event.pointerType !== "mouse" || reducedMotion.matches) return;
    timer = setTimeout(start, REST_MS);
  });
  card.addEventListener("pointerleave", stop);
  card.addEventListener("click", stop);
}

function startOf(previewUrl) {
  return Number(new URL(previewUrl, location.href).searchParams.get("start"));
}

function silentVideo(url, start, end) {
  const video = element("video", { class: "hit-preview", playsinline: true, preload: "metadata", "aria-hidden": "true" });
  video.muted = true;
  video.src = `${url}#t=${Math.max(0, start)}`;
  video.addEventListener("playing", () => video.classList.add("is-playing"));
  video.addEventListener("timeupdate", () => {
    if (video.currentTime >= end) video.currentTime = Math.max(0, start);
  });
  return video;
}
