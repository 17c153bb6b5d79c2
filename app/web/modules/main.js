// Puts the page together: the address decides between results and library, and everything else is parts.

import { drawer } from "./drawer.js";
import { byId } from "./element.js";
import { Dropzone } from "./dropzone.js";
import { Filters } from "./filters.js";
import { Library } from "./library.js";
import { Player } from "./player.js";
import { currentRequest, keptPages, onRoute } from "./route.js";
import { Search, titleOf } from "./search.js";
import { SearchLine } from "./search_line.js";
import { Tray } from "./tray.js";

const player = new Player();
const line = new SearchLine();
const filters = new Filters(line);
const search = new Search({ player, onPictureLost: () => line.choosePicture() });
const library = new Library(player);
const tray = new Tray({ player, onChange: () => library.refresh() });

function showRoute() {
  const request = currentRequest();
  player.close();
  line.show(request);
  filters.show(request);
  document.title = request.isSearch ? `${titleOfTab(request)} · ReelSeek` : "ReelSeek";
  document.body.dataset.view = request.isSearch ? "results" : "home";
  if (request.isSearch) {
    library.hide();
    search.run(request, keptPages());
  } else {
    search.hide();
    library.show();
  }
}

function titleOfTab(request) {
  return request.isWordsAlone ? request.words : titleOf(request);
}

drawer(byId("hint-button"), byId("hint"));
new Dropzone({ onVideos: (files) => tray.add(files), onPicture: (file) => line.searchWithPicture(file) });
tray.restore();
onRoute(showRoute);
line.focus();
