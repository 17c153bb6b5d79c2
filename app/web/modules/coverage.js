// Says how much of the library an answer covers.

import { count } from "./format.js";

/** Return "3 of 5 videos searched, 1 still indexing, 1 failed" for an answer's `coverage`. */
export function coverageSentence(coverage) {
  const pending = coverage.videos_pending;
  const failed = coverage.videos_failed;
  const total = coverage.videos + pending + failed;
  const parts = [`${coverage.videos.toLocaleString()} of ${count(total, "video")} searched`];
  if (pending) parts.push(`${pending.toLocaleString()} still indexing`);
  if (failed) parts.push(`${failed.toLocaleString()} failed`);
  return parts.join(", ");
}
