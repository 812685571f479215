"use strict";
// A grid is [width, text]: one character per cell, code + 48 modulo 256.
const codes = text => Array.from(text, letter => (letter.charCodeAt(0) + 208) % 256);
const same = (grid, other) => grid[0] === other[0] && grid[1].length === other[1].length;

// The states of a trajectory [first, changes, answer]. A change is cell, code, cell, code …
function unroll([first, changes]) {
  const states = [codes(first[1])];
  for (const change of changes) {
    const next = states.at(-1).slice();
    for (let k = 0; k < change.length; k += 2) next[change[k]] = change[k + 1];
    states.push(next);
  }
  return states;
}

// Draws cells on a canvas. Cells that differ from `target`, if there is one, get an outline. Returns their number.
// look: {colours, glyphs, bare, boxes, chequered}, see `glyphs.marks_of`.
function draw(canvas, width, cells, look, target) {
  const height = cells.length / width, side = Math.max(3, Math.floor(512 / Math.max(width, height)));
  const pen = canvas.getContext("2d");
  canvas.width = width * side;
  canvas.height = height * side;
  cells.forEach((code, k) => {
    const x = k % width, y = Math.floor(k / width);
    pen.fillStyle = look.colours[code] || "#ff00ff";
    pen.fillRect(x * side, y * side, side, side);
    if (!look.chequered || (x + y) % 2 === 0) return;
    pen.fillStyle = "rgba(0,0,0,.14)";
    pen.fillRect(x * side, y * side, side, side);
  });
  pen.strokeStyle = "rgba(128,128,128,.5)";
  pen.lineWidth = side > 8 ? 2 : 1;
  pen.beginPath();
  for (let k = 1; k < width; k++) { pen.moveTo(k * side, 0); pen.lineTo(k * side, canvas.height); }
  for (let k = 1; k < height; k++) { pen.moveTo(0, k * side); pen.lineTo(canvas.width, k * side); }
  pen.stroke();
  mark(pen, width, cells, side, look);
  if (!target) return 0;
  let differ = 0;
  const wide = Math.max(2, side / 9), outline = getComputedStyle(root).getPropertyValue("--outline");
  cells.forEach((code, k) => {
    if (code === target[k]) return;
    differ += 1;
    const x = k % width * side, y = Math.floor(k / width) * side;
    pen.lineWidth = wide;
    pen.strokeStyle = outline;
    pen.strokeRect(x + wide / 2, y + wide / 2, side - wide, side - wide);
    pen.lineWidth = Math.max(1, wide / 3); // a light edge within: the outline shows on every colour
    pen.strokeStyle = "#fff";
    pen.strokeRect(x + wide, y + wide, side - 2 * wide, side - 2 * wide);
  });
  return differ;
}

// Draws the glyphs of cells, and the borders of boxes: squares of n by n cells on a board of n^2 by n^2.
function mark(pen, width, cells, side, look) {
  pen.fillStyle = pen.strokeStyle = "#181818";
  if (cells.some(code => code >= look.bare)) cells.forEach((code, k) => {
    const rows = (look.glyphs[code] || "").split(" "), size = Math.max(rows.length, rows[0].length);
    const dot = Math.floor(.7 * side / size);
    if (dot < 1) return;
    const left = k % width * side + Math.floor((side - dot * rows[0].length) / 2);
    const top = Math.floor(k / width) * side + Math.floor((side - dot * rows.length) / 2);
    rows.forEach((row, y) => Array.from(row, (pixel, x) => {
      if (pixel === "#") pen.fillRect(left + x * dot, top + y * dot, dot, dot);
    }));
  });
  const box = Math.sqrt(width), wide = Math.max(2, side / 16), length = width * side;
  if (!look.boxes || !Number.isInteger(box) || cells.length !== width * width) return;
  pen.lineWidth = wide;
  pen.beginPath();
  for (let k = 0; k <= width; k += box) {
    const at = Math.min(Math.max(k * side, wide / 2), length - wide / 2);
    pen.moveTo(at, 0); pen.lineTo(at, length);
    pen.moveTo(0, at); pen.lineTo(length, at);
  }
  pen.stroke();
}

// Returns a picture with its name for those who do not see it.
function picture(grid, look, target, label) {
  return painted(grid[0], codes(grid[1]), look, target && same(grid, target) ? codes(target[1]) : null, label);
}
function painted(width, cells, look, target, label) {
  const canvas = element("canvas"), differ = draw(canvas, width, cells, look, target);
  canvas.setAttribute("role", "img");
  const size = label + ", " + cells.length / width + " by " + width;
  canvas.setAttribute("aria-label", size + (differ ? ", " + differ + " cells differ" : ""));
  return canvas;
}

// Returns a picture that plays a trajectory, with a button and a slider. It shows the answer until it is played. Cells are
// outlined if they differ from `target`, in the answer only and not in the states that lead to it.
function film(trajectory, look, target, label) {
  const states = unroll(trajectory), width = trajectory[0][0], last = states.length - 1, rest = trajectory[2];
  const expected = target && same(trajectory[0], target) ? codes(target[1]) : null;
  const canvas = painted(width, states[rest], look, expected, label), play = element("button", "▶"), slider = element("input");
  const count = element("span"), bar = element("div", undefined, "film"), made = element("div");
  let timer = 0;
  const at = k => {
    slider.value = k;
    count.textContent = k + " / " + last;
    draw(canvas, width, states[k], look, k === rest ? expected : null);
  };
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = "▶"; };
  play.type = "button";
  play.className = "play";
  play.setAttribute("aria-label", "play " + label);
  Object.assign(slider, {type: "range", min: 0, max: last});
  slider.setAttribute("aria-label", "step of " + label);
  play.onclick = () => {
    if (timer) return stop();
    play.textContent = "❚❚";
    let k = +slider.value >= last ? 0 : +slider.value;
    at(k);
    timer = setInterval(() => {
      if (k >= last || !canvas.isConnected) return stop();
      at(k += 1);
    }, Math.max(40, Math.min(400, 6000 / last)));
  };
  slider.oninput = () => { stop(); at(+slider.value); };
  at(rest);
  bar.append(play, slider, count);
  made.append(canvas, bar);
  return made;
}
