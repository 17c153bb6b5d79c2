// What is searched for, as the address says it: shareable, and the Back button walks through it. The names are
// those of GET /search, but for `picture`, which stands for a file that only this tab holds.

const OF_VIDEOS = ["collection", "recorded_after", "recorded_before", "min_duration", "max_duration"];
const OPTIONS = ["min_confidence", "mode", "sort", "group_by"];
const FILTERS = [...OF_VIDEOS, ...OPTIONS];
const SEARCHED = ["q", "like_clip", ...FILTERS, "use_judgements"];
const LISTS = ["collection"];

export class SearchRequest {
  #values = new URLSearchParams();

  /** Take what is known of `parameters`; blank values ask for nothing. */
  constructor(parameters = new URLSearchParams()) {
    for (const name of [...SEARCHED, "picture"]) {
      const given = parameters.getAll(name).map((value) => value.trim()).filter(Boolean);
      for (const value of LISTS.includes(name) ? given : given.slice(0, 1)) this.#values.append(name, value);
    }
  }

  get words() {
    return this.get("q") ?? "";
  }

  /** Whether there is anything to look for; filters alone are not. */
  get isSearch() {
    return ["q", "like_clip", "picture"].some((name) => this.#values.has(name));
  }

  /** Whether nothing but words is looked for: what judgements are of. */
  get isWordsAlone() {
    return this.words !== "" && !this.#values.has("like_clip") && !this.#values.has("picture");
  }

  /** The active filters as [name, value]. */
  get filters() {
    return [...this.#values].filter(([name]) => FILTERS.includes(name));
  }

  /** The address of the page that shows this. */
  get address() {
    return this.#values.size ? `/?${this.#values}` : "/";
  }

  /** The parameters of GET /search and GET /export, without any picture. */
  get parameters() {
    return [...this.#values].filter(([name]) => SEARCHED.includes(name));
  }

  /** The body of POST /search, to which a form adds its pictures. */
  get body() {
    const body = { filters: {} };
    for (const [name, value] of this.parameters) {
      if (name === "like_clip") body.terms = [{ clip: value }];
      else if (!OF_VIDEOS.includes(name)) body[name] = value;
      else body.filters[name] = LISTS.includes(name) ? this.#values.getAll(name) : value;
    }
    return body;
  }

  /** Return the value of `name`, or null. */
  get(name) {
    return this.#values.get(name);
  }

  /** Return a request with some values changed; null or "" leaves one out, a list gives several. */
  with(changes) {
    const values = new URLSearchParams(this.#values);
    for (const [name, value] of Object.entries(changes)) {
      values.delete(name);
      for (const one of [value].flat()) values.append(name, one ?? "");
    }
    return new SearchRequest(values);
  }

  /** Return a request without this value of `name`. */
  without(name, value) {
    return this.with({ [name]: this.#values.getAll(name).filter((one) => one !== value) });
  }

  /** Return a request with one more value of `name`, once. */
  withAlso(name, value) {
    return this.with({ [name]: [...new Set([...this.#values.getAll(name), value])] });
  }

  /** Return a request for the same without any filter. */
  withoutFilters() {
    return this.with(Object.fromEntries(FILTERS.map((name) => [name, null])));
  }
}
