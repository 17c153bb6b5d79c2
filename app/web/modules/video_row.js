// One line of the library: what a video is, how far it has come, and what can be done with it.

import { button, element, icon } from "./element.js";
import { clock, count, day, fileSize } from "./format.js";
import { thumbnail } from "./hits.js";
import { progressWords } from "./job.js";

const STATE_WORDS = {
  pending: "Waiting", indexing: "Indexing", ready: "Searchable", unread: "Not searchable", failed: "Failed",
};

/** Return the row of `video`; `job` (or null) tells how far its indexing is. */
export function videoRow(video, job, { onPlay, onCancel, onRetry, onDelete }) {
  const isPlayable = video.state === "ready";
  const picture = thumbnail(video.thumbnail_url);
  const name = element("span", { class: "row-title", title: video.filename }, video.title);
  const opener = isPlayable
    ? button({ class: "row-open" }, [picture, name], onPlay)
    : element("span", { class: "row-open" }, [picture, name]);
  return element("li", { class: "row", "data-video-id": video.id, "data-state": shownState(video) }, [
    opener,
    element("span", { class: "row-facts" }, facts(video)),
    element("span", { class: "row-state" }, stateText(video, job)),
    order(video, { onCancel, onRetry }),
    button({ class: "button-icon row-delete", "aria-label": `Delete ${video.title}`, title: "Delete" },
      icon("delete"), onDelete),
    remark(video),
    job && video.state === "indexing" ? progress(job, video) : null,
  ]);
}

/** Return a key that changes whenever the row of this video would look different. */
export function rowKey(video, job) {
  return JSON.stringify([video, job?.stage, job?.fraction, job?.eta_s]);
}

function facts(video) {
  return [
    video.duration ? clock(video.duration) : null,
    video.width ? `${video.width}×${video.height}` : null,
    video.codec ? video.codec.toUpperCase() : null,
    fileSize(video.size_bytes),
    video.clip_count ? count(video.clip_count, "clip") : null,
    day(video.added_at),
  ].filter(Boolean).join(" · ");
}

/** Return the state of a video, which is "unread" when only other models have indexed it. */
function shownState(video) {
  return video.state === "ready" && !video.is_searchable ? "unread" : video.state;
}

function stateText(video, job) {
  if (video.error?.code === "cancelled") return "Cancelled";
  if (video.state !== "indexing" || !job) return STATE_WORDS[shownState(video)] ?? video.state;
  return progressWords(job);
}

/** Return the button for what can be ordered of the indexing of a video, if anything. */
function order(video, { onCancel, onRetry }) {
  if (!video.job_id) return null;
  const labelled = (label) => ({ class: "button-icon row-order", "aria-label": `${label} ${video.title}`, title: label });
  if (["pending", "indexing"].includes(video.state)) {
    return button(labelled("Cancel indexing"), icon("close"), onCancel);
  }
  return video.state === "failed" ? button(labelled("Retry"), icon("replay"), onRetry) : null;
}

function remark(video) {
  if (video.error) {
    return element("span", { class: "row-remark" }, [
      element("span", { class: "row-error" }, video.error.message), ` ${video.error.advice}`,
    ]);
  }
  if (shownState(video) === "unread") {
    return element("span", { class: "row-remark" }, "It is found once it is indexed again with the model in use.");
  }
  if (video.warning) return element("span", { class: "row-remark" }, video.warning);
  return null;
}

function progress(job, video) {
  const bar = element("progress", { max: 1, "aria-label": `Indexing ${video.title}` });
  if (job.fraction) bar.value = job.fraction;
  return bar;
}
