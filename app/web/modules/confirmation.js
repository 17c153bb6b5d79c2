// Asks before something that cannot be taken back.

import { byId } from "./element.js";

/** Return a promise of true when the person agrees; Esc and "Keep it" are a no. */
export function confirmed({ title, detail, yes }) {
  const dialog = byId("confirmation");
  byId("confirmation-title").textContent = title;
  byId("confirmation-detail").textContent = detail;
  byId("confirmation-yes").textContent = yes;
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
