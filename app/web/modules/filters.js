// The panel of filters, and a chip for each that is active. Both only change the address, which holds them.

import { listCollections } from "./api.js";
import { byId, button, element, icon } from "./element.js";
import { beginningOf, filterWords, seconds, typedDay } from "./filter_words.js";
import { clock, count } from "./format.js";
import { go } from "./route.js";

const MOST_OFFERED = 200; // the API's largest page; any other name can be typed

export class Filters {
  #form = byId("filters");
  #button = byId("filters-button");
  #count = byId("filters-count");
  #chips = byId("filters-chips");
  #line;

  /** `line` is the SearchLine: what stands in it is searched for when a filter changes. */
  constructor(line) {
    this.#line = line;
    this.#button.addEventListener("click", () => this.#setOpen(this.#form.hidden));
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("change", (event) => this.#take(event.target));
    this.#form.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    byId("filters-clear").addEventListener("click", () => go(this.#line.request.withoutFilters()));
  }

  /** Show which filters are active. */
  show(request) {
    const { filters } = request;
    this.#count.textContent = filters.length;
    this.#count.hidden = filters.length === 0;
    this.#button.setAttribute("aria-label", filters.length ? `Filters, ${filters.length} active` : "Filters");
    this.#chips.replaceChildren(...filters.map(([name, value]) => element("li", {}, this.#chip(name, value))));
    this.#chips.hidden = filters.length === 0;
    for (const field of this.#form.elements) if (field.name) this.#fill(field, request.get(field.name) ?? "");
  }

  #fill(field, value) {
    field.setCustomValidity("");
    if (field.name === "collection") field.value = ""; // each of them is a chip
    else if (field.name === "recorded_after") field.value = typedDay(value);
    else if (field.name === "recorded_before") field.value = typedDay(value, -1);
    else if (field.name.endsWith("_duration")) field.value = value && clock(value);
    else if (field.type === "checkbox") field.checked = field.value === value;
    else field.value = value;
  }

  #take(field) {
    const { name } = field;
    const request = this.#line.request;
    if (name === "collection") return field.value.trim() && go(request.withAlso(name, field.value.trim()));
    const value = valueOf(field);
    if (value !== undefined) return go(request.with({ [name]: value }));
    field.setCustomValidity("Write minutes and seconds, as 1:30");
    return field.reportValidity();
  }

  #chip(name, value) {
    const words = filterWords(name, value);
    const remove = () => {
      go(this.#line.request.without(name, value));
      (this.#chips.querySelector("button") ?? this.#button).focus();
    };
    return button({ class: "button chip", "aria-label": `Remove the filter: ${words}` }, [element("span", {}, words), icon("close")], remove);
  }

  #setOpen(isOpen) {
    this.#form.hidden = !isOpen;
    this.#button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.#offerCollections();
  }

  #close() {
    this.#setOpen(false);
    this.#button.focus();
  }

  async #offerCollections() {
    const { data } = await listCollections({ limit: MOST_OFFERED }).catch(() => ({ data: [] })); // it is but a help
    byId("filters-collections").replaceChildren(
      ...data.map((one) => element("option", { value: one.name }, count(one.video_count, "video"))),
    );
  }
}

/** Return what a field asks for, as the API takes it; null for nothing, undefined for what cannot be read. */
function valueOf({ name, type, value, checked }) {
  if (name === "recorded_after") return beginningOf(value);
  if (name === "recorded_before") return beginningOf(value, 1); // the day itself is meant too
  if (name.endsWith("_duration")) return value.trim() ? seconds(value.trim()) ?? undefined : null;
  return type === "checkbox" && !checked ? null : value;
}
