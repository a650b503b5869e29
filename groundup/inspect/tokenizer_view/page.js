"use strict";

/* The page of one tokenizer: a token under the pointer or the focus explains itself, a click marks
 * all its occurrences, and typing shows tokens at once. The page stands without this script too.
 */

const data = JSON.parse(document.getElementById("data").textContent);
const { tokens, special, merges, counts, clipBytes } = data;
const specialOf = new Map(Object.entries(special).map(([text, id]) => [id, text]));
const view = document.getElementById("tokens");
const tip = document.getElementById("tip");
const said = document.getElementById("said");

/* ---- what a token looks like: as pieces.py and markup.py say ---- */

const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decoded(bytes) {
  try {
    return utf8Decoder.decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
  } catch {
    return null;
  }
}

function* units(bytes) {
  for (let start = 0; start < bytes.length; ) {
    const lead = bytes.charCodeAt(start);
    const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const character = decoded(bytes.slice(start, start + size));
    yield character === null ? ["byte", hexadecimal(bytes[start])] : [kindOf(character), character];
    start += character === null ? 1 : size;
  }
}

function kindOf(character) {
  const named = { " ": "space", "\t": "tab", "\n": "newline" }[character];
  return named ?? (/[\p{C}\p{Z}]/u.test(character) ? "control" : "text");
}

function nameOf(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "␡" : "U+" + code.toString(16).toUpperCase().padStart(4, "0");
}

function hexadecimal(bytes) {
  const digits = (byte) => byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
  return Array.from(bytes, digits).join(" ");
}

function appendPieces(node, bytes) {
  let last = null; // the mark or text that a next character of its kind joins
  for (const [kind, text] of units(bytes.slice(0, clipBytes))) {
    if (last?.kind === kind && (kind === "text" || kind === "space" || kind === "tab")) {
      last.node.textContent += text;
      continue;
    }
    const startsInside = !last && kind === "text" && /^\p{M}/u.test(text);
    const shown = kind === "control" ? nameOf(text) : startsInside ? "◌" + text : text;
    last = { kind, node: kind === "text" ? document.createTextNode(shown) : mark(kind, shown) };
    node.append(last.node);
  }
  if (bytes.length > clipBytes) node.append(mark("control", "…"));
}

function mark(kind, text) {
  const node = document.createElement("i");
  node.className = kind;
  node.textContent = text;
  return node;
}

function bytesOf(id) {
  return specialOf.has(id) ? utf8(specialOf.get(id)) : (tokens[id] ?? "");
}

const made = new Map(); // one node of each token, to be copied

function tokenNode(id) {
  if (!made.has(id)) {
    const node = document.createElement("span");
    node.dataset.id = id;
    if (specialOf.has(id)) node.className = "special";
    appendPieces(node, bytesOf(id));
    made.set(id, node);
  }
  return made.get(id).cloneNode(true);
}

/* ---- the tokens of the text: one stop of the Tab key, arrows within ---- */

let marked = null; // the id whose occurrences are marked

function prepare() {
  for (const node of view.children) {
    node.tabIndex = -1;
    node.setAttribute("role", "button");
    node.setAttribute("aria-pressed", "false");
  }
  if (view.firstElementChild) view.firstElementChild.tabIndex = 0;
}

function occurrences(id) {
  return view.querySelectorAll(`[data-id="${id}"]`);
}

function setMarked(id) {
  if (marked !== null) {
    for (const node of occurrences(marked)) node.setAttribute("aria-pressed", "false");
  }
  marked = id === marked ? null : id;
  view.classList.toggle("marking", marked !== null);
  said.textContent = "";
  if (marked === null) return;
  const nodes = occurrences(marked);
  for (const node of nodes) node.setAttribute("aria-pressed", "true");
  said.textContent = `Token ${marked} occurs ${times(nodes.length)} in this text. Escape clears.`;
}

function moveFocus(from, to) {
  if (!to) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

/* ---- the explanation beside a token ---- */

const parents = new Map(); // id: rank of the first merge that makes it
if (merges.length) {
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  for (let rank = merges.length / 2 - 1; rank >= 0; rank--) {
    parents.set(idOf.get(tokens[merges[2 * rank]] + tokens[merges[2 * rank + 1]]), rank);
  }
}

function times(count) {
  return count === 1 ? "once" : `${count.toLocaleString("en-US")} times`;
}

function explain(node) {
  const id = Number(node.dataset.id);
  const bytes = bytesOf(id);
  const facts = document.createElement("dl");
  const add = (name, ...content) => {
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    term.textContent = name;
    value.append(...content);
    facts.append(term, value);
  };
  add("id", String(id));
  if (specialOf.has(id)) {
    add("kind", "special token: a role, not text");
  } else if (bytes) {
    const more = bytes.length > 24 ? ` … (${bytes.length})` : "";
    add("bytes", hexadecimal(bytes.slice(0, 24)) + more);
    const text = decoded(bytes.slice(0, clipBytes));
    add("text", text === null ? "not whole characters" : quoted(text));
  }
  if (parents.has(id)) {
    const rank = parents.get(id);
    const [left, right] = merges.slice(2 * rank, 2 * rank + 2);
    add("merged from", tokenNode(left), " + ", tokenNode(right), ` (merge ${rank + 1})`);
  }
  if (counts) add("in training", times(counts[id]));
  add("in this text", times(occurrences(id).length));
  tip.replaceChildren(facts);
  tip.hidden = false;
  const box = node.getClientRects()[0];
  const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 12);
  const below = box.bottom + 8 + tip.offsetHeight < window.innerHeight;
  const top = below ? box.bottom + 8 : box.top - tip.offsetHeight - 8;
  tip.style.left = `${Math.max(12, left) + window.scrollX}px`;
  tip.style.top = `${Math.max(8, top) + window.scrollY}px`;
  node.setAttribute("aria-describedby", "tip");
}

/* A string in quotes, in which nothing is invisible. */
function quoted(text) {
  const escape = (character) => `\\u{${character.codePointAt(0).toString(16)}}`;
  return JSON.stringify(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escape);
}

function hide() {
  tip.hidden = true;
  document.querySelector("[aria-describedby=tip]")?.removeAttribute("aria-describedby");
}

const tokenAt = (event) => (event.target.closest ? event.target.closest("[data-id]") : null);

for (const [over, out] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  document.addEventListener(over, (event) => tokenAt(event) && explain(tokenAt(event)));
  document.addEventListener(out, (event) => tokenAt(event) && hide());
}

document.addEventListener("click", (event) => {
  const node = tokenAt(event);
  if (!node) return;
  setMarked(Number(node.dataset.id));
  if (node.parentNode === view) moveFocus(view.querySelector("[tabindex='0']") ?? node, node);
});

document.addEventListener("keydown", (event) => {
  const node = tokenAt(event);
  if (event.key === "Escape") {
    hide();
    if (marked !== null) setMarked(marked);
    return;
  }
  if (!node) return;
  const inView = node.parentNode === view;
  if (event.key === "Enter" || event.key === " ") setMarked(Number(node.dataset.id));
  else if (!inView) return;
  else if (event.key === "ArrowRight") moveFocus(node, node.nextElementSibling);
  else if (event.key === "ArrowLeft") moveFocus(node, node.previousElementSibling);
  else if (event.key === "Home") moveFocus(node, view.firstElementChild);
  else if (event.key === "End") moveFocus(node, view.lastElementChild);
  else return;
  event.preventDefault();
});

prepare();

/* ---- typing ---- */

/* What Python's str.split() takes for white space. */
const WORDS = /[^\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/gu;

function count(text, ids) {
  const bytes = new TextEncoder().encode(text).length;
  const words = (text.match(WORDS) ?? []).length;
  const numbers = {
    "tokens": ids.length,
    "different tokens": new Set(ids).size,
    "bytes": bytes,
    "characters": Array.from(text).length,
    "words": words,
  };
  const ratios = { "bytes per token": bytes / ids.length, "tokens per word": ids.length / words };
  for (const node of document.querySelectorAll("[data-count]")) {
    const name = node.dataset.count;
    const ratio = Number.isFinite(ratios[name]) ? ratios[name].toFixed(2) : "–";
    node.textContent = name in numbers ? numbers[name].toLocaleString("en-US") : ratio;
  }
}

function startTyping() {
  const encode = makeEncoder(data);
  const box = document.getElementById("box");
  const switched = document.getElementById("special");
  const names = data.allowed.length ? data.allowed : Object.keys(special);

  function update() {
    const ids = encode(box.value, switched?.checked ? names : []);
    hide();
    marked = null;
    said.textContent = "";
    view.classList.remove("marking");
    view.replaceChildren(...ids.map(tokenNode));
    prepare();
    count(box.value, ids);
    document.getElementById("cut")?.remove();
  }

  let waiting = 0;
  box.value = data.text;
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 60);
  });
  switched?.addEventListener("change", update);
  document.getElementById("typing").hidden = false;
}

if (data.live) startTyping();
