// The strip under the player: the whole video, and in it every moment found so far.

import { byId, element } from "./element.js";
import { clock, clockRange } from "./format.js";

export class Timeline {
  #strip = byId("player-timeline");
  #playhead = element("span", { class: "timeline-playhead" });
  #duration = 0; // seconds

  /** Show `moments` of one video of `duration` seconds: {hit, onChoose}, the current one with `isCurrent`. */
  show(duration, moments) {
    this.#duration = duration;
    this.#strip.hidden = !duration || moments.length === 0;
    this.#strip.replaceChildren(...moments.map((moment) => this.#mark(moment)), this.#playhead);
    const current = moments.find((moment) => moment.isCurrent);
    if (current && current.hit.best_at !== null && duration) {
      const best = element("span", { class: "timeline-best", title: `Best at ${clock(current.hit.best_at)}` });
      best.style.setProperty("--at", current.hit.best_at / duration);
      this.#strip.append(best);
    }
  }

  /** Move the playhead to `seconds`. */
  moveTo(seconds) {
    if (this.#duration) this.#playhead.style.setProperty("--at", Math.min(1, seconds / this.#duration));
  }

  #mark({ hit, isCurrent, onChoose }) {
    const label = `Moment ${clockRange(hit.start, hit.end)}`;
    const mark = element("button", {
      type: "button", class: "timeline-mark", title: label, "aria-label": label,
      "aria-current": isCurrent ? "true" : null,
    });
    mark.style.setProperty("--at", hit.start / this.#duration);
    mark.style.setProperty("--length", (hit.end - hit.start) / this.#duration);
    mark.addEventListener("click", onChoose);
    return mark;
  }
}
