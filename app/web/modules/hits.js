// The cards of a result grid.

import { element, icon } from "./element.js";
import { clock, clockRange } from "./format.js";
import { previewOnRest } from "./preview.js";

/** Return a hit's score as shown everywhere: cosine similarity, three decimals. */
export function scoreText(hit) {
  return hit.score.toFixed(3);
}

const CONFIDENCE = { high: "very likely", medium: "likely", low: "unsure" };

/** Return how sure a hit is in words, or "" where the server cannot tell. */
function confidenceText(hit) {
  return CONFIDENCE[hit.confidence] ?? "";
}

/** Return the links of the moments that look like a hit, behind a line "+6 similar"; null when there are none. */
function similarHits({ count, hits }) {
  if (count === 0) return null;
  return element("details", { class: "hit-similar" }, [
    element("summary", {}, `+${count.toLocaleString()} similar`),
    element("ul", {}, hits.map((one) => element("li", {}, element(
      "a", { href: one.stream_url }, `${one.title}, ${clockRange(one.start, one.end)}`,
    )))),
  ]);
}

/** Return one card; `onOpen` is called on a plain click, any other click follows the link to the file. */
export function hitCard(hit, onOpen) {
  const range = clockRange(hit.start, hit.end);
  const frame = element("span", { class: "hit-frame" }, [
    thumbnail(hit.thumbnail_url),
    element("span", { class: "hit-play" }, icon("play")),
    element("span", { class: "hit-range" }, range),
  ]);
  const link = element(
    "a",
    {
      class: "hit",
      href: hit.stream_url,
      "data-clip-id": hit.clip_id,
      "aria-label": `${hit.video.title}, ${range}, score ${scoreText(hit)}`,
    },
    [
      frame,
      element("span", { class: "hit-title", title: hit.video.title }, hit.video.title),
      element("span", { class: "hit-meta" }, [
        element("span", { title: "Cosine similarity of words and pictures" }, `score ${scoreText(hit)}`),
        confidenceText(hit) ? element("span", { "data-confidence": hit.confidence }, confidenceText(hit)) : null,
        hit.video.duration ? element("span", {}, `of ${clock(hit.video.duration)}`) : null,
      ]),
    ],
  );
  previewOnRest(link, frame, hit);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onOpen();
  });
  return element("li", {}, [link, similarHits(hit.similar)]);
}

/** Return a lazily loaded picture in a box of fixed shape; the film icon stands in when there is none. */
export function thumbnail(url) {
  const box = element("span", { class: "thumbnail" }, icon("film"));
  if (!url) return box;
  const image = element("img", {
    src: url, alt: "", loading: "lazy", decoding: "async", width: 480, height: 270,
  });
  image.addEventListener("load", () => box.classList.add("is-loaded"));
  image.addEventListener("error", () => image.remove());
  box.append(image);
  return box;
}

/** Return `number` grey cards that hold the places of hits on their way. */
export function skeletonCards(number) {
  return Array.from({ length: number }, () => element("li", { class: "skeleton", "aria-hidden": "true" }, [
    element("span", { class: "hit-frame" }),
    element("span", { class: "skeleton-line" }),
    element("span", { class: "skeleton-line skeleton-short" }),
  ]));
}
