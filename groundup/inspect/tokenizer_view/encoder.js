"use strict";

/* Text to ids in the reader's browser: the same ids as groundup.tokenizer gives. A vocabulary is
 * { kind, tokens, special, unknown, merges, whole, byCharacter, split }, as encoder_data.py writes
 * it. Bytes are strings here, with a character U+0000 to U+00FF for each.
 */

function makeEncoder(vocabulary) {
  const { kind, tokens, special, unknown, merges, whole, byCharacter, split } = vocabulary;
  const idOf = new Map();
  tokens.forEach((token, id) => token && idOf.set(token, id));

  const rankOf = new Map(); // of a pair of ids, which one number holds
  const mergedAt = [];
  const pairOf = (left, right) => left * tokens.length + right;
  for (let rank = 0; 2 * rank < merges.length; rank++) {
    const [left, right] = merges.slice(2 * rank, 2 * rank + 2);
    rankOf.set(pairOf(left, right), rank);
    mergedAt.push(idOf.get(tokens[left] + tokens[right]));
  }

  const words = split && new RegExp(split.pattern.replace(/<(\w+)>/g, (_, name) => split[name]), "gu");
  const known = new Map(); // words that were met before

  function encode(text, names) {
    const parts = cutAt(names, text.toWellFormed());
    return parts.flatMap((part, place) => (place % 2 ? [special[part]] : encodeOrdinary(part)));
  }

  function encodeOrdinary(text) {
    if (kind === "characters") {
      return Array.from(text, (character) => idOf.get(utf8(character)) ?? unknown);
    }
    return (text.match(words) ?? []).flatMap((word) => {
      if (!known.has(word)) known.set(word, encodeWord(word));
      return known.get(word);
    });
  }

  function encodeWord(word) {
    const bytes = utf8(word);
    if (whole && idOf.has(bytes)) return [idOf.get(bytes)];
    if (!byCharacter) return merge(Array.from(bytes, (byte) => idOf.get(byte)));
    return merge(
      Array.from(word).flatMap((character) => {
        const spelt = utf8(character);
        return idOf.has(spelt) ? [idOf.get(spelt)] : Array.from(spelt, (byte) => idOf.get(byte));
      }),
    );
  }

  /* The earliest-learnt pair joins first, the leftmost of several. */
  function merge(ids) {
    const rankAt = (place) => rankOf.get(pairOf(ids[place], ids[place + 1])) ?? Infinity;
    const ranks = ids.map((_, place) => rankAt(place));
    for (;;) {
      let best = 0;
      for (let place = 1; place < ranks.length; place++) {
        if (ranks[place] < ranks[best]) best = place;
      }
      if (!(ranks[best] < Infinity)) return ids;
      ids.splice(best, 2, mergedAt[ranks[best]]);
      ranks.splice(best, 1);
      ranks[best] = rankAt(best);
      if (best > 0) ranks[best - 1] = rankAt(best - 1);
    }
  }

  return encode;
}

/* Parts 1, 3, 5, … are special tokens, 0, 2, 4, … what lies between; the longest name wins. */
function cutAt(names, text) {
  if (!names.length) return [text];
  const longestFirst = [...names].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((name) => name.replace(/[\\^$.*+?()[\]{}|\/]/g, "\\$&"));
  return text.split(new RegExp(`(${escaped.join("|")})`, "u"));
}

function utf8(text) {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}
