"use strict";
// What the other files build on: the data, the words, and elements made of text that is never read as HTML.

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const data = read("data");
const words = read("words");
const byId = (id) => document.getElementById(id);
let lang = data.lang;

// The word for `key`, with {names} filled in.
function t(key, fill = {}) {
  return words[lang][key].replace(/\{(\w+)\}/g, (_, name) => fill[name]);
}

// An element: properties that begin with "on" are listeners, all others attributes; children are elements or text.
function el(tag, props = {}, ...children) {
  return finish(document.createElement(tag), props, children);
}

function svg(tag, props = {}, ...children) {
  return finish(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function finish(made, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

// The user's text with the characters that would turn or hide what stands around them written out.
function visible(text) {
  const escaped = (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, escaped);
}

// The user's text within ours: its direction of writing is its own.
function code(text, kind = "") {
  return el("code", { class: kind, dir: "auto" }, visible(text));
}

// A sentence of `key` in which the elements of `parts` stand where their names are.
function sentence(key, parts) {
  const pieces = words[lang][key].split(/\{(\w+)\}/);
  return el("span", {}, ...pieces.map((piece, i) => (i % 2 ? parts[piece] : piece)));
}

// What stands between two of them does not begin a line.
function joined(items, between) {
  const sign = between.trimEnd();
  const space = between.slice(sign.length); // a line may end at it
  const last = items.length - 1;
  return el("span", {}, ...items.flatMap((item, i) => (i < last ? [el("span", { class: "together" }, item, sign), space] : [item])));
}
