// Two quiet buttons that judge a hit, wherever it is shown: in the grid and in the player.

import { button, element, icon } from "./element.js";
import { clockRange } from "./format.js";

/** Return the buttons of a hit; both places of one hit show the same. */
export function judgeButtons(judging, hit) {
  const of = `${hit.video.title}, ${clockRange(hit.start, hit.end)}`;
  const error = element("span", { class: "inline-error", role: "alert", hidden: true });
  const say = async (isRelevant) => {
    error.hidden = true;
    try {
      await judging.say(hit.clip_id, isRelevant);
    } catch (problem) {
      error.textContent = problem.message;
      error.hidden = false;
    }
  };
  const choice = (isRelevant, label, picture) => button(
    { class: `button-icon judge judge-${picture}`, "aria-label": `${label}: ${of}`, title: label }, icon(picture), () => say(isRelevant),
  );
  const fits = choice(true, "Fits", "fits");
  const misfits = choice(false, "Does not fit", "misfits");
  const show = () => {
    fits.setAttribute("aria-pressed", String(judging.of(hit.clip_id) === true));
    misfits.setAttribute("aria-pressed", String(judging.of(hit.clip_id) === false));
  };
  const buttons = element("span", { class: "judge-buttons" }, [fits, misfits, error]);
  const follow = () => {
    if (buttons.isConnected) show();
    else judging.removeEventListener("change", follow); // the player shows another hit by now
  };
  judging.addEventListener("change", follow);
  show();
  return buttons;
}
