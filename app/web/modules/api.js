// Calls ReelSeek's HTTP interface. Every failure is a Problem with a title and a detail to show.

/** What went wrong, in the server's words (application/problem+json) or ours when it gave none. */
export class Problem extends Error {
  constructor(title, detail, status = 0, type = "about:blank") {
    super(detail ? `${title}: ${detail}` : title);
    this.name = "Problem";
    this.title = title;
    this.detail = detail;
    this.status = status;
    this.type = type;
  }
}

const UNREACHABLE = ["ReelSeek does not answer", "Check that the server runs and that you are connected, then try again."];

// The server says of these what a program should do next; a person is told what to do on the page.
const FOR_PEOPLE = {
  "/problems/unknown-clip": ["This moment is gone", "Its video was deleted or indexed anew. Search again."],
  "/problems/unknown-video": ["This video is gone", "It was deleted."],
  "/problems/invalid-cursor": ["This list is out of date", "Search again."], // another model reads the library now
};

/** Return the Problem that an answer's body describes, whatever the body is. */
export function problemFrom(status, text) {
  try {
    const body = JSON.parse(text);
    const [title, detail] = FOR_PEOPLE[body.type] ?? [body.title, body.detail ?? ""];
    if (title) return new Problem(title, detail, status, body.type);
  } catch {
    // Not JSON: a proxy's error page, of which only the status is worth showing.
  }
  return new Problem("The server could not do that", `It answered with status ${status}.`, status);
}

const MOST_PREVIEWED_S = 60; // what the server takes

const ACCEPT = { Accept: "application/json" };

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(...UNREACHABLE);
  }
  if (!response.ok) throw problemFrom(response.status, await response.text());
  return response;
}

async function call(path, options = {}) {
  const response = await ask(path, { headers: ACCEPT, ...options });
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

function withParameters(path, parameters, entries = []) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return `${path}?${new URLSearchParams([...entries, ...given])}`;
}

/** Return the answer to a SearchRequest, with a picture or null: hits, coverage, notices and the next cursor. */
export function searchVideos(request, picture, { limit, cursor, explain = false, signal }) {
  const options = { limit, cursor, explain };
  if (!picture) return call(withParameters("/search", options, request.parameters), { signal });
  const form = new FormData();
  form.append("search", JSON.stringify({ ...request.body, ...options }));
  form.append("image", picture);
  return call("/search", { method: "POST", body: form, signal });
}

/** Return what was judged for these words, the latest first; the API's largest page of it. */
export function listJudgements(query) {
  return call(withParameters("/judgements", { q: query, limit: 200 }));
}

/** Say whether a clip is what a query asks for, and return the judgement. */
export function judge(query, clipId, isRelevant) {
  const body = JSON.stringify({ query, clip_id: clipId, is_relevant: isRelevant });
  return call("/judgements", { method: "POST", body, headers: { ...ACCEPT, "Content-Type": "application/json" } });
}

/** Take a judgement back. */
export function deleteJudgement(judgementId) {
  return call(`/judgements/${encodeURIComponent(judgementId)}`, { method: "DELETE" });
}

/** Return the address that writes moments as `format`: what `entries`, the parameters of a search or moments, say. */
export function exportUrl(format, entries) {
  return `/export/${format}?${new URLSearchParams(entries)}`;
}

/** Return the address that cuts a moment out of its video. */
export function cutUrl({ clip_id: clipId, start, end }) {
  return withParameters(`/clips/${encodeURIComponent(clipId)}/download`, { start, end });
}

/** Return the address that plays a moment in any browser, a long one's beginning. */
export function previewUrl({ clip_id: clipId, start, end }) {
  const shown = { start, end: Math.min(end, start + MOST_PREVIEWED_S) };
  return withParameters(`/clips/${encodeURIComponent(clipId)}/preview`, shown);
}

/** Return the file at `url` as {blob, name}. */
export async function getFile(url) {
  const response = await ask(url);
  const [, name] = /filename\*=UTF-8''([^;]+)/.exec(response.headers.get("Content-Disposition")) ?? [];
  return { blob: await response.blob(), name: decodeURIComponent(name ?? "download") };
}

/** Return one page of the library, newest first. */
export function listVideos({ limit, cursor = null }) {
  return call(withParameters("/videos", { limit, cursor }));
}

/** Return one page of the collections, by name. */
export function listCollections({ limit }) {
  return call(withParameters("/collections", { limit }));
}

/** Return one video. */
export function getVideo(videoId) {
  return call(`/videos/${encodeURIComponent(videoId)}`);
}

/** Delete a video and everything of it. */
export function deleteVideo(videoId) {
  return call(`/videos/${encodeURIComponent(videoId)}`, { method: "DELETE" });
}

/** Return one job. */
export function getJob(jobId) {
  return call(`/jobs/${encodeURIComponent(jobId)}`);
}

/** Return one page of the jobs, newest first. */
export function listJobs({ limit }) {
  return call(withParameters("/jobs", { limit }));
}

/** End a job that waits or runs, and return it. */
export function cancelJob(jobId) {
  return call(`/jobs/${encodeURIComponent(jobId)}/cancel`, { method: "POST" });
}

/** Put a job that failed or was cancelled back into the queue, and return it. */
export function retryJob(jobId) {
  return call(`/jobs/${encodeURIComponent(jobId)}/retry`, { method: "POST" });
}

/** Return why `url`, of a film or a picture, gives no bytes, or null when it does. */
export async function problemAt(url) {
  try {
    const response = await ask(url, { headers: { Range: "bytes=0-0" } });
    await response.body?.cancel(); // a server without ranges would send the whole file
    return null;
  } catch (problem) {
    return problem;
  }
}

/** Return a resumable upload, by its address. */
export function getUpload(url) {
  return call(url);
}
