// The pictures searched with in this tab. An address cannot hold a file, so it holds a key, and Back finds the file.

const MOST_KEPT = 20;
const pictures = new Map(); // key → File, oldest first

/** Keep a picture and return its key. */
export function keepPicture(file) {
  const key = Date.now().toString(36); // a reload forgets the files, and no later one may take a key of before
  pictures.set(key, file);
  if (pictures.size > MOST_KEPT) pictures.delete(pictures.keys().next().value);
  return key;
}

/** Return the picture kept under `key`; undefined after a reload, or in another browser. */
export function keptPicture(key) {
  return pictures.get(key);
}

/** Draw a picture into a canvas, filling it. */
export async function drawPicture(file, canvas) {
  // Not an <img>: the page's content security policy lets pictures come from the service alone.
  const bitmap = await createImageBitmap(file);
  const scale = Math.max(canvas.width / bitmap.width, canvas.height / bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  canvas.getContext("2d").drawImage(bitmap, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
}
