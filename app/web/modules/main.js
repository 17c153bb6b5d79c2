// Puts the page together: the address decides between results and library, and everything else is parts.

import { byId } from "./element.js";
import { Dropzone } from "./dropzone.js";
import { Library } from "./library.js";
import { Player } from "./player.js";
import { currentQuery, go, onRoute } from "./route.js";
import { Search } from "./search.js";
import { Tray } from "./tray.js";

const input = byId("search-input");
const player = new Player();
const search = new Search(player);
const library = new Library(player);
const tray = new Tray({ player, onChange: () => library.refresh() });

function showRoute() {
  const query = currentQuery();
  player.close();
  input.value = query;
  document.title = query ? `${query} · ReelSeek` : "ReelSeek";
  document.body.dataset.view = query ? "results" : "home";
  if (query) {
    library.hide();
    search.run(query);
  } else {
    search.hide();
    library.show();
  }
}

function focusSearchOnSlash(event) {
  const isTyping = event.target.closest("input, textarea, select, dialog[open]");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  input.select();
}

byId("search-form").addEventListener("submit", (event) => {
  event.preventDefault();
  go(input.value.trim());
});
document.addEventListener("keydown", focusSearchOnSlash);
new Dropzone((files) => tray.add(files));
tray.restore();
onRoute(showRoute);
input.focus();
