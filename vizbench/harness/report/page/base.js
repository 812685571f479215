"use strict";
// Whatever comes from a run is set as text or as a canvas's pixels, never as markup.
const $ = id => document.getElementById(id);
const read = id => JSON.parse($(id).textContent);
const uniq = list => [...new Set(list)];
const element = (tag, text, kind) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const options = (select, values, labels, chosen) =>
  select.replaceChildren(...values.map((value, k) => new Option(labels[k], value, false, value === chosen)));
const typing = event => event.ctrlKey || event.metaKey || event.altKey ||
  /^(SELECT|TEXTAREA)$/.test(event.target.tagName) ||
  (event.target.tagName === "INPUT" && event.target.type !== "checkbox");

// The theme is the system's until the button changes it.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const dark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
const nameButton = () => { $("theme").textContent = dark() ? "Light" : "Dark"; };
const turned = () => { nameButton(); dispatchEvent(new Event("themechange")); }; // canvases are drawn again
$("theme").onclick = () => { root.dataset.theme = dark() ? "light" : "dark"; turned(); };
system.onchange = turned;
nameButton();

for (const box of document.querySelectorAll(".paper-switch")) {
  box.onchange = () => {
    root.dataset.paper = box.checked ? "on" : "off";
    for (const other of document.querySelectorAll(".paper-switch")) other.checked = box.checked;
  };
}

// A blob: JSON, deflated, in base64.
const unpacked = new Map();
async function unpack(number) {
  if (!unpacked.has(number)) {
    const bytes = Uint8Array.from(atob($("blob-" + number).textContent), letter => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    if (unpacked.size > 24) unpacked.delete(unpacked.keys().next().value); // the oldest
    unpacked.set(number, new Response(stream).json());
  }
  return unpacked.get(number);
}
