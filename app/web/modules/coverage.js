// Says how much of the library an answer covers.

import { count } from "./format.js";

/** Return "3 of 6 videos searched, 1 still indexing, 1 failed, 1 indexed with another model" for a `coverage`. */
export function coverageSentence(coverage) {
  const pending = coverage.videos_pending;
  const failed = coverage.videos_failed;
  const others = coverage.videos_of_other_models;
  const total = coverage.videos + pending + failed + others;
  const parts = [`${coverage.videos.toLocaleString()} of ${count(total, "video")} searched`];
  if (pending) parts.push(`${pending.toLocaleString()} still indexing`);
  if (failed) parts.push(`${failed.toLocaleString()} failed`);
  if (others) parts.push(`${others.toLocaleString()} indexed with another model`);
  return parts.join(", ");
}
