// What a person said of the hits of these words: each fits, or does not. Kept by the service.

import { deleteJudgement, judge, listJudgements } from "./api.js";

const NOT_FOUND = 404;

export class Judging extends EventTarget {
  #words;
  #judgements = new Map(); // clip id → {id, is_relevant}
  #last = Promise.resolve(); // one call after another, or a late answer would undo what was said after it

  /** A "change" event is sent whenever something was judged or taken back; its `detail` is the clip's id, if one. */
  constructor(words) {
    super();
    this.#words = words;
  }

  /** Ask what was judged before. */
  load() {
    return this.#inTurn(() => this.#load());
  }

  async #load() {
    const { data } = await listJudgements(this.#words);
    for (const one of data) if (one.clip_id) this.#judgements.set(one.clip_id, one);
    this.#tell();
  }

  /** How many clips are judged for these words. */
  get count() {
    return this.#judgements.size;
  }

  /** Return whether a clip fits, or null while nobody has said. */
  of(clipId) {
    return this.#judgements.get(clipId)?.is_relevant ?? null;
  }

  /** Say whether a clip fits; saying the same again takes it back. Fails with a Problem. */
  say(clipId, isRelevant) {
    return this.#inTurn(() => this.#say(clipId, isRelevant));
  }

  async #say(clipId, isRelevant) {
    const before = this.#judgements.get(clipId);
    if (before?.is_relevant === isRelevant) {
      await deleteJudgement(before.id).catch((problem) => {
        if (problem.status !== NOT_FOUND) throw problem; // it was taken back in another tab
      });
      this.#judgements.delete(clipId);
    } else {
      this.#judgements.set(clipId, await judge(this.#words, clipId, isRelevant));
    }
    this.#tell(clipId);
  }

  #inTurn(call) {
    this.#last = this.#last.catch(() => {}).then(call);
    return this.#last;
  }

  #tell(clipId = null) {
    this.dispatchEvent(new CustomEvent("change", { detail: clipId }));
  }
}
