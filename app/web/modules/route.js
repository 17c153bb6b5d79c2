// The address bar is the page's state: /?q=words shows results, / shows the library.

const listeners = [];

/** Return the words searched for, empty on the start page. */
export function currentQuery() {
  return (new URLSearchParams(location.search).get("q") ?? "").trim();
}

/** Show `query` (empty: the start page) as a new step of the browser's history. */
export function go(query) {
  const address = query ? `/?${new URLSearchParams({ q: query })}` : "/";
  if (address === location.pathname + location.search) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  announce();
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
  go(new URL(link.href).searchParams.get("q") ?? "");
}

window.addEventListener("popstate", announce);
document.addEventListener("click", followLink);
