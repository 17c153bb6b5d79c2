// The cards of a result grid.

import { button, element, icon } from "./element.js";
import { clock, clockRange, count, day } from "./format.js";
import { judgeButtons } from "./judge_buttons.js";
import { previewOnRest } from "./preview.js";

/** Return a hit's score as shown everywhere, with three decimals. */
export function scoreText(hit) {
  return hit.score.toFixed(3);
}

const SCORE = "Cosine similarity of what is looked for and this moment";
const SEQUENCE_SCORE = "Mean over the steps, each in units of chance";

const CONFIDENCE = { high: "very likely", medium: "likely", low: "unsure" };

/** Return how sure a hit is in words, or "" where the server cannot tell. */
function confidenceText(hit) {
  return CONFIDENCE[hit.confidence] ?? "";
}

/** Return moments that stand behind a hit, under a line that opens their list; null when there are none. */
function furtherMoments(summary, moments, onOpen) {
  if (moments.length === 0) return null;
  const lines = moments.map((moment) => button(
    { class: "hit-moment" }, `${moment.title}, ${clockRange(moment.start, moment.end)}`, () => onOpen(moment),
  ));
  return element("details", { class: "hit-further" }, [
    element("summary", {}, summary),
    element("ul", {}, lines.map((line) => element("li", {}, line))),
  ]);
}

/** Return the link that searches for moments that look like a hit, with the same filters. */
export function likeLink(hit, request) {
  const like = request.with({ q: null, picture: null, use_judgements: null, mode: null, like_clip: hit.clip_id });
  const of = `${hit.video.title}, ${clockRange(hit.start, hit.end)}`;
  return element("a", {
    class: "button button-quiet like", href: like.address, "data-route": true, "aria-label": `More like this: ${of}`,
  }, [icon("like"), "More like this"]);
}

/**
 * Return one card of an answer to `request`. `onOpen` is called on a plain click, without or with one of the
 * moments behind the hit; any other click follows the link to the file. `judging` is null where nothing is judged.
 */
export function hitCard(hit, { request, judging, onOpen }) {
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
      "aria-label": [
        hit.video.title, range, `score ${scoreText(hit)}`, confidenceText(hit), hit.said && `“${hit.said.text}”`,
      ].filter(Boolean).join(", "),
    },
    [
      frame,
      element("span", { class: "hit-title", title: hit.video.title }, hit.video.title),
      element("span", { class: "hit-meta" }, [
        element("span", { title: hit.steps.length ? SEQUENCE_SCORE : SCORE }, `score ${scoreText(hit)}`),
        confidenceText(hit) ? element("span", { "data-confidence": hit.confidence }, confidenceText(hit)) : null,
        hit.video.duration ? element("span", {}, `of ${clock(hit.video.duration)}`) : null,
      ]),
      hit.said ? element("q", { class: "hit-said" }, hit.said.text) : null,
      request.get("sort") === "recorded_at" && hit.video.recorded_at
        ? element("span", { class: "hit-meta" }, `recorded ${day(hit.video.recorded_at)}`) : null,
    ],
  );
  previewOnRest(link, frame, hit);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onOpen();
  });
  const { similar, moments, steps } = hit;
  return element("li", {}, [
    link,
    element("div", { class: "hit-actions" }, [likeLink(hit, request), judging && judgeButtons(judging, hit)]),
    furtherMoments(`+${similar.count.toLocaleString()} similar`, similar.hits, onOpen),
    furtherMoments(`${count(moments.length, "moment")} of this video`, moments.length > 1 ? moments : [], onOpen),
    furtherMoments(`${steps.length} steps`, steps, onOpen),
  ]);
}

/** Return a lazily loaded picture in a box of fixed shape; the film icon stands in when there is none. */
export function thumbnail(url) {
  const box = element("span", { class: "thumbnail" }, icon("film"));
  if (!url) return box;
  const image = element("img", {
    src: url, alt: "", loading: "lazy", decoding: "async", width: 480, height: 270,
    draggable: "false", // or the page would take it for a picture dropped on it
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
