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
function draw(canvas, width, cells, colours, target) {
  const height = cells.length / width, side = Math.max(3, Math.floor(512 / Math.max(width, height)));
  const pen = canvas.getContext("2d");
  canvas.width = width * side;
  canvas.height = height * side;
  cells.forEach((code, k) => {
    pen.fillStyle = colours[code] || "#ff00ff";
    pen.fillRect(k % width * side, Math.floor(k / width) * side, side, side);
  });
  pen.strokeStyle = "rgba(128,128,128,.5)";
  pen.lineWidth = side > 8 ? 2 : 1;
  pen.beginPath();
  for (let k = 1; k < width; k++) { pen.moveTo(k * side, 0); pen.lineTo(k * side, canvas.height); }
  for (let k = 1; k < height; k++) { pen.moveTo(0, k * side); pen.lineTo(canvas.width, k * side); }
  pen.stroke();
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

// Returns a picture with its name for those who do not see it.
function picture(grid, colours, target, label) {
  return painted(grid[0], codes(grid[1]), colours, target && same(grid, target) ? codes(target[1]) : null, label);
}
function painted(width, cells, colours, target, label) {
  const canvas = element("canvas"), differ = draw(canvas, width, cells, colours, target);
  canvas.setAttribute("role", "img");
  const size = label + ", " + cells.length / width + " by " + width;
  canvas.setAttribute("aria-label", size + (differ ? ", " + differ + " cells differ" : ""));
  return canvas;
}

// Returns a picture that plays a trajectory, with a button and a slider. It shows the answer until it is played. Cells are
// outlined if they differ from `target`, in the answer only and not in the states that lead to it.
function film(trajectory, colours, target, label) {
  const states = unroll(trajectory), width = trajectory[0][0], last = states.length - 1, rest = trajectory[2];
  const expected = target && same(trajectory[0], target) ? codes(target[1]) : null;
  const canvas = painted(width, states[rest], colours, expected, label), play = element("button", "▶"), slider = element("input");
  const count = element("span"), bar = element("div", undefined, "film"), made = element("div");
  let timer = 0;
  const at = k => {
    slider.value = k;
    count.textContent = k + " / " + last;
    draw(canvas, width, states[k], colours, k === rest ? expected : null);
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
