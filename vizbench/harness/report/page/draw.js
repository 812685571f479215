"use strict";
// A grid is [width, text]: a character a cell, code + 48 modulo 256.
const codes = text => Array.from(text, letter => (letter.charCodeAt(0) + 208) % 256);
const same = (grid, other) => grid[0] === other[0] && grid[1].length === other[1].length;

// The states of a process: [first, changes, answer], a change being cell, code, cell, code …
function unroll([first, changes]) {
  const states = [codes(first[1])];
  for (const change of changes) {
    const next = states.at(-1).slice();
    for (let k = 0; k < change.length; k += 2) next[change[k]] = change[k + 1];
    states.push(next);
  }
  return states;
}

// Draws cells on a canvas; those that differ from `goal`, where there is one, get an outline. Gives their number.
function draw(canvas, width, cells, colours, goal) {
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
  if (!goal) return 0;
  let differ = 0;
  const wide = Math.max(2, side / 9), outline = getComputedStyle(root).getPropertyValue("--outline");
  cells.forEach((code, k) => {
    if (code === goal[k]) return;
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

// A picture with its name for those who do not see it.
function picture(grid, colours, goal, label) {
  return painted(grid[0], codes(grid[1]), colours, goal && same(grid, goal) ? codes(goal[1]) : null, label);
}
function painted(width, cells, colours, goal, label) {
  const canvas = element("canvas"), differ = draw(canvas, width, cells, colours, goal);
  canvas.setAttribute("role", "img");
  const size = label + ", " + cells.length / width + " by " + width;
  canvas.setAttribute("aria-label", size + (differ ? ", " + differ + " cells differ" : ""));
  return canvas;
}

// A picture that plays: the states of a process, with a button and a slider. It shows the answer until it is played;
// cells of the answer alone, not of what leads to it, are outlined where they differ from `goal`.
function film(process, colours, goal, label) {
  const states = unroll(process), width = process[0][0], last = states.length - 1, rest = process[2];
  const wanted = goal && same(process[0], goal) ? codes(goal[1]) : null;
  const canvas = painted(width, states[rest], colours, wanted, label), play = element("button", "▶"), slider = element("input");
  const count = element("span"), bar = element("div", undefined, "film"), made = element("div");
  let timer = 0;
  const at = k => {
    slider.value = k;
    count.textContent = k + " / " + last;
    draw(canvas, width, states[k], colours, k === rest ? wanted : null);
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
