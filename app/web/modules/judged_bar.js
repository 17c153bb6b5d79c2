// Says how many hits are judged for these words, and asks again with them.

import { byId } from "./element.js";
import { count } from "./format.js";
import { currentRequest, go } from "./route.js";

export class JudgedBar {
  #bar = byId("judged");
  #count = byId("judged-count");
  #switch = byId("judged-switch");
  #again = byId("judged-again");
  #judging = null;

  constructor() {
    this.#switch.addEventListener("click", () => go(
      currentRequest().with({ use_judgements: isOn() ? null : "true" }),
    ));
    this.#again.addEventListener("click", () => go(currentRequest()));
  }

  /** Follow what is judged, a Judging; null where nothing can be judged. */
  follow(judging) {
    this.#judging = judging;
    this.#again.hidden = true;
    judging?.addEventListener("change", ({ detail: clipId }) => {
      if (this.#judging !== judging) return; // it answers for an earlier search
      this.#show();
      if (clipId !== null) this.#again.hidden = !isOn(); // the answer on the page does not know of it yet
    });
    this.#show();
  }

  #show() {
    const judged = this.#judging?.count ?? 0;
    this.#bar.hidden = judged === 0 && !(this.#judging && isOn());
    this.#switch.setAttribute("aria-checked", String(isOn()));
    this.#count.textContent = `${count(judged, "hit")} judged for these words.`;
  }
}

function isOn() {
  return currentRequest().get("use_judgements") === "true";
}
