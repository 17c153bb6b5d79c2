// A switch that says how many hits are judged for these words, and asks again with them.

import { byId } from "./element.js";
import { count } from "./format.js";
import { currentRequest, go } from "./route.js";

export class JudgedBar {
  #bar = byId("judged");
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
    if (document.activeElement === this.#again) this.#switch.focus(); // the button is about to go
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
    this.#switch.textContent = `Search with ${judged ? count(judged, "judged hit") : "judged hits"}`;
  }
}

function isOn() {
  return currentRequest().get("use_judgements") === "true";
}
