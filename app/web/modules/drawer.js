// A panel that a button opens and closes: by itself, by Esc, and by going elsewhere.

/** Let `button` open `panel`, which closes when a person presses Esc or turns to something outside of it. */
export function drawer(button, panel) {
  const show = (isOpen) => {
    panel.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
  };
  const isOutside = (target) => !panel.contains(target) && !button.contains(target);

  button.addEventListener("click", () => show(panel.hidden));
  for (const part of [button, panel]) {
    part.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || panel.hidden) return;
      event.preventDefault(); // Esc would also empty a search line
      show(false);
      button.focus();
    });
  }
  document.addEventListener("pointerdown", (event) => panel.hidden || (isOutside(event.target) && show(false)));
  panel.addEventListener("focusout", (event) => event.relatedTarget && isOutside(event.relatedTarget) && show(false));
  panel.addEventListener("click", (event) => {
    if (!event.target.closest("a, button")) return;
    button.focus(); // what has it now is about to be hidden
    show(false);
  });
}
