// Sends a file in pieces (tus 1.0) and goes on where it stood: after a lost network by itself, after a reload
// once the same file is chosen again. The browser remembers the address of each unfinished upload.

import { getUpload, getVideo, Problem, problemFrom } from "./api.js";

const PIECE_BYTES = 8 * 1024 * 1024;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;
const REMEMBERED = "reelseek-upload:";
const VERSION = { "Tus-Resumable": "1.0.0" };

// The tabs of one browser share what they remember: each tells the others what it is sending itself.
const WHO_SENDS = "who sends?";
const ANSWERS_WITHIN_MS = 300;
const tabs = new BroadcastChannel("reelseek-uploads");
const sentHere = new Set();
tabs.addEventListener("message", ({ data }) => {
  if (data === WHO_SENDS && sentHere.size) tabs.postMessage([...sentHere]);
});

/** Return what tells one file from another without reading it. */
export function fingerprint({ name, size, lastModified }) {
  return [name, size, lastModified].join("|");
}

/** Return the uploads that were begun here and that nobody goes on with: {name, size, lastModified, url, offset}. */
export async function unfinishedUploads() {
  const remembered = Object.keys(localStorage).filter((key) => key.startsWith(REMEMBERED));
  const elsewhere = remembered.length ? await sentByOtherTabs() : new Set();
  const found = remembered.filter((key) => !elsewhere.has(key.slice(REMEMBERED.length)));
  const asked = found.map(async (key) => {
    const upload = JSON.parse(localStorage.getItem(key));
    try {
      return { ...upload, offset: await offsetOf(upload.url, {}) };
    } catch (problem) {
      if (isGone(problem)) localStorage.removeItem(key);
      return null;
    }
  });
  return (await Promise.all(asked)).filter(Boolean);
}

/** End an unfinished upload: the server deletes what has arrived. */
export async function forgetUpload(file) {
  const url = addressOf(file);
  localStorage.removeItem(REMEMBERED + fingerprint(file));
  if (url) await fetch(url, { method: "DELETE", headers: VERSION }).catch(() => {}); // it expires anyway
}

/**
 * Send a file and return the accepted upload {video_id, job_id, state, is_new}. `onProgress` gets the fraction
 * that has arrived, `onPause` a Problem while there is no connection and null once it goes on.
 */
export async function sendFile(file, callbacks) {
  sentHere.add(fingerprint(file));
  try {
    return await sendUntilDone(file, callbacks);
  } finally {
    sentHere.delete(fingerprint(file));
  }
}

async function sendUntilDone(file, { onProgress, onPause, signal }) {
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    try {
      const url = addressOf(file) ?? (await begin(file, signal));
      let offset = await offsetOf(url, { signal });
      while (offset < file.size) {
        onPause(null);
        offset = await sendPiece(file, url, offset, { onProgress, signal });
        pause = FIRST_PAUSE_MS;
      }
      return await outcomeOf(file, url);
    } catch (problem) {
      if (problem.name === "AbortError") await forgetUpload(file);
      if (isGone(problem)) localStorage.removeItem(REMEMBERED + fingerprint(file)); // it is begun anew
      else if (!mayPass(problem)) throw problem;
      if (problem.type === "/problems/offset-mismatch") continue;
      onPause(problem);
      await untilLater(pause, signal);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }
}

/** Return the fingerprints of what other tabs are sending. */
async function sentByOtherTabs() {
  const found = new Set();
  const hear = ({ data }) => Array.isArray(data) && data.forEach((one) => found.add(one));
  tabs.addEventListener("message", hear);
  tabs.postMessage(WHO_SENDS);
  await new Promise((resolve) => { setTimeout(resolve, ANSWERS_WITHIN_MS); });
  tabs.removeEventListener("message", hear);
  return found;
}

function addressOf(file) {
  return JSON.parse(localStorage.getItem(REMEMBERED + fingerprint(file)))?.url ?? null;
}

async function begin(file, signal) {
  const headers = { ...VERSION, "Upload-Length": file.size, "Upload-Metadata": `filename ${base64(file.name)}` };
  const response = await ask("/uploads", { method: "POST", headers, signal });
  const url = response.headers.get("Location");
  const { name, size, lastModified } = file;
  localStorage.setItem(REMEMBERED + fingerprint(file), JSON.stringify({ name, size, lastModified, url }));
  return url;
}

async function offsetOf(url, { signal }) {
  const response = await ask(url, { method: "HEAD", headers: VERSION, signal });
  return Number(response.headers.get("Upload-Offset"));
}

async function outcomeOf(file, url) {
  const upload = await getUpload(url);
  // The request that brought the last piece is still at work, though its connection broke.
  if (!upload.video_id) throw new Problem("Not finished", "The server is still checking the file.");
  const { state } = await getVideo(upload.video_id);
  localStorage.removeItem(REMEMBERED + fingerprint(file));
  return { ...upload, state, is_new: state !== "ready" };
}

async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("No connection", "The upload goes on by itself as soon as ReelSeek answers.");
  }
  if (!response.ok) throw problemFrom(response.status, await response.text());
  return response;
}

/** Send the next piece and return the offset behind it; XMLHttpRequest, as fetch tells nothing of progress. */
function sendPiece(file, url, offset, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open("PATCH", url);
    const headers = { ...VERSION, "Content-Type": "application/offset+octet-stream", "Upload-Offset": offset };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => onProgress((offset + event.loaded) / file.size));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(Number(request.getResponseHeader("Upload-Offset")));
      else reject(problemFrom(request.status, request.responseText));
    });
    request.addEventListener("error", () => reject(
      new Problem("No connection", "The upload goes on by itself as soon as ReelSeek answers."),
    ));
    request.addEventListener("abort", () => reject(new DOMException("Upload cancelled", "AbortError")));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    signal.addEventListener("abort", abort);
    if (signal.aborted) reject(new DOMException("Upload cancelled", "AbortError"));
    else request.send(file.slice(offset, offset + PIECE_BYTES));
  });
}

function isGone({ status }) {
  return status === 404 || status === 410;
}

/** Return whether trying again later may help; a full disk does not get emptier by itself. */
function mayPass({ status, name }) {
  if (name !== "Problem") return false;
  return status === 0 || [408, 409, 423, 429].includes(status) || (status >= 500 && status !== 507);
}

function untilLater(milliseconds, signal) {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer);
      window.removeEventListener("online", go);
      signal.removeEventListener("abort", go);
      resolve();
    };
    const timer = setTimeout(go, milliseconds);
    window.addEventListener("online", go);
    signal.addEventListener("abort", go);
  });
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
