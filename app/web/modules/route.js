// The address bar is the page's state: /?q=words shows results, / shows the library.

import { SearchRequest } from "./search_request.js";

const listeners = [];

/** Return what the address asks for; it is no search on the start page. */
export function currentRequest() {
  return new SearchRequest(new URLSearchParams(location.search));
}

/** Show `request` as a new step of the browser's history. */
export function go(request) {
  const { address } = request;
  if (address === location.pathname + location.search) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  scrollTo(0, 0);
  announce();
}

/** Keep with this step of the history how many pages of results it shows, for Back and a reload to come to them. */
export function keepPages(pages) {
  history.replaceState({ pages }, "");
}

/** Return how many pages this step of the history showed when it was left. */
export function keptPages() {
  return history.state?.pages ?? 1;
}

/** Call `listener` now and whenever the address changes, by `go`, Back or Forward. */
export function onRoute(listener) {
  listeners.push(listener);
  listener();
}

function announce() {
  for (const listener of listeners) listener();
}

function followLink(event) {
  const link = event.target.closest("a[data-route]");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(new SearchRequest(new URL(link.href).searchParams));
}

window.addEventListener("popstate", announce);
document.addEventListener("click", followLink);
