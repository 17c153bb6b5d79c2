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

/** Return the Problem that an answer's body describes, whatever the body is. */
export function problemFrom(status, text) {
  try {
    const body = JSON.parse(text);
    if (body.title) return new Problem(body.title, body.detail ?? "", status, body.type);
  } catch {
    // Not JSON: a proxy's error page, of which only the status is worth showing.
  }
  return new Problem("The server could not do that", `It answered with status ${status}.`, status);
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { headers: { Accept: "application/json" }, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(...UNREACHABLE);
  }
  const text = await response.text();
  if (!response.ok) throw problemFrom(response.status, text);
  return text ? JSON.parse(text) : null;
}

function withParameters(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return `${path}?${new URLSearchParams(given)}`;
}

/** Return the answer of GET /search: hits, coverage, notices and the next cursor. */
export function searchVideos({ query, limit, cursor = null, signal }) {
  return call(withParameters("/search", { q: query, limit, cursor }), { signal });
}

/** Return one page of the library, newest first. */
export function listVideos({ limit, cursor = null }) {
  return call(withParameters("/videos", { limit, cursor }));
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

/** Return why `streamUrl` gives no bytes, or null when it does. */
export async function streamProblem(streamUrl) {
  try {
    const response = await fetch(streamUrl, { headers: { Range: "bytes=0-0" } });
    if (!response.ok) return problemFrom(response.status, await response.text());
    await response.body?.cancel(); // a server without ranges would send the whole file
    return null;
  } catch {
    return new Problem(...UNREACHABLE);
  }
}

/** Return a resumable upload, by its address. */
export function getUpload(url) {
  return call(url);
}
