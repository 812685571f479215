"use strict";
// The viewer. state.run counts in data.runs, state.i in that run's questions, state.attempt in the answers to one.
const data = read("data");
const state = {run: 0, i: 0, attempt: 0};
let turn = 0; // the latest call of show: an older one that waited for its blob draws nothing

const pick = (set, model, shots) => { // the run nearest to what was asked
  const runs = data.runs.map((run, k) => [run, k]).filter(([run]) => run.set === set);
  const kept = runs.filter(([run]) => run.model === model);
  const list = kept.length ? kept : runs;
  return (list.find(([run]) => run.shots === shots) || list[0])[1];
};
const verdictOf = answers => answers.length ? data.verdicts[answers[0][0]] : "none";
const wanted = answers => { // whether the question passes the select "show"
  const wish = $("wish").value;
  if (wish === "any") return true;
  if (wish === "split") return uniq(answers.map(answer => answer[0] === 0)).length > 1;
  return verdictOf(answers) === wish;
};

function board(title, content, ...lines) {
  const made = element("div", undefined, "board");
  made.append(element("h3", title), content, ...lines);
  return made;
}
function answered([verdict, reason, cells, grid], number, count, set, target) {
  const title = count > 1 ? "Answer " + (number + 1) : "Answer", kind = data.verdicts[verdict];
  const line = element("p"), text = kind === "valid" ? "valid, not the stored answer" : kind;
  line.append(element("span", text, "tag " + kind), " " + (100 * cells).toFixed(1) + "% of cells");
  const content = grid === null ? element("div", "no grid", "blank")
    : picture(grid || target, set.colours, target, title);
  const made = board(title, content, line, element("p", reason, "reason"));
  made.classList.add("answer");
  if (count > 1) made.onclick = () => { state.attempt = number; ring(); };
  return made;
}
function ring() { // marks the attempt that the keys [ and ] chose
  const cards = [...document.querySelectorAll("#boards .answer")];
  state.attempt = Math.min(Math.max(state.attempt, 0), Math.max(cards.length - 1, 0));
  if (cards.length < 2) return;
  cards.forEach((card, k) => card.setAttribute("aria-current", k === state.attempt));
  $("attempt").textContent = "answer " + (state.attempt + 1) + " of " + cards.length + ": " +
    cards[state.attempt].querySelector(".tag").textContent;
}

const often = new Map();
for (const one of data.sets) often.set(one.task, (often.get(one.task) || 0) + 1);
const setLabels = data.sets.map(one => one.label + (often.get(one.task) > 1 ? ", seed " + one.seed : ""));
function selects(run) {
  const runs = data.runs.filter(other => other.set === run.set);
  options($("set"), data.sets.map((_, k) => k), setLabels, run.set);
  const models = uniq(runs.map(other => other.model));
  options($("model"), models, models.map(model => runs.find(other => other.model === model).label), run.model);
  const shots = uniq(runs.filter(other => other.model === run.model).map(other => other.shots));
  options($("shots"), shots, shots.map(String), run.shots);
}
function strip(answers) {
  $("strip").replaceChildren(...answers.map((list, k) => {
    const kind = verdictOf(list), dot = element("button", undefined, kind);
    dot.type = "button";
    dot.tabIndex = k === state.i ? 0 : -1; // one stop on the way of the Tab key
    dot.hidden = !wanted(list);
    dot.title = (k + 1) + ": " + (kind === "none" ? "not answered" : kind);
    dot.setAttribute("aria-label", dot.title);
    dot.setAttribute("aria-current", k === state.i);
    dot.onclick = () => { state.i = k; state.attempt = 0; show(); };
    return dot;
  }));
}
async function show() {
  const mine = ++turn, run = data.runs[state.run], set = data.sets[run.set];
  selects(run);
  const [asked, answers] = await Promise.all([unpack(set.blob), unpack(run.blob)]);
  if (mine !== turn) return;
  state.i = Math.min(Math.max(state.i, 0), answers.length - 1);
  const target = asked.targets[state.i], way = asked.ways[state.i], mineAnswers = answers[state.i];
  const passing = answers.filter(wanted).length;
  $("place").textContent = (state.i + 1) + " of " + answers.length + " · " + asked.ids[state.i];
  $("passing").textContent = $("wish").value === "any" ? "" : passing + " of " + answers.length + " questions";
  const stored = way ? film(way, set.colours, "Stored answer") : picture(target, set.colours, null, "Stored answer");
  const tail = mineAnswers.length ? mineAnswers.map((one, k) => answered(one, k, mineAnswers.length, set, target))
    : [board("Answer", element("div", "not answered", "blank"))];
  $("attempt").textContent = "";
  $("boards").replaceChildren(board("Question", picture(asked.questions[state.i], set.colours, null, "Question")),
    board("Stored answer" + (!way ? "" : way[2] < way[1].length ? ", and how it goes on" : ", step by step"), stored),
    ...tail);
  ring();
  strip(answers);
  const where = {task: set.task, seed: set.seed, model: run.model, shots: run.shots, i: state.i + 1};
  try { history.replaceState(null, "", "#" + new URLSearchParams(where)); } catch { /* some browsers, from a file */ }
  $("viewer").dataset.shown = mine;
}

async function go(by) { // to the next question that passes
  const answers = await unpack(data.runs[state.run].blob);
  for (let k = state.i + by; k >= 0 && k < answers.length; k += by) {
    if (wanted(answers[k])) { state.i = k; state.attempt = 0; return show(); }
  }
}
const choose = (set, model, shots) => { state.run = pick(set, model, shots); state.attempt = 0; return show(); };
const now = () => data.runs[state.run];
$("back").onclick = () => go(-1);
$("next").onclick = () => go(1);
$("set").onchange = () => choose(+$("set").value, now().model, now().shots);
$("model").onchange = () => choose(now().set, $("model").value, now().shots);
$("shots").onchange = () => choose(now().set, now().model, +$("shots").value);
$("wish").onchange = async () => {
  const answers = await unpack(now().blob);
  if (!wanted(answers[state.i])) state.i = Math.max(0, answers.findIndex(wanted));
  show();
};
const keys = {
  ArrowLeft: () => go(-1),
  ArrowRight: () => go(1),
  "[": () => { state.attempt -= 1; ring(); },
  "]": () => { state.attempt += 1; ring(); },
  p: () => document.querySelector("#boards .play")?.click(),
};
addEventListener("keydown", event => {
  if (typing(event) || !Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});
addEventListener("themechange", show);
addEventListener("see", event => { // from the table: a row may pool several seeds, the first is shown
  const {task, model, shots} = event.detail;
  state.i = 0;
  choose(data.sets.findIndex(set => set.task === task), model, shots);
  $("viewer").scrollIntoView();
  $("viewer").focus({preventScroll: true});
});
function follow() { // the address names an instance: #task=…&seed=…&model=…&shots=…&i=…
  const wish = new URLSearchParams(location.hash.slice(1));
  const set = data.sets.findIndex(one => one.task === wish.get("task") && (!wish.get("seed") || one.seed === +wish.get("seed")));
  if (set >= 0) state.run = pick(set, wish.get("model"), +wish.get("shots"));
  state.i = (parseInt(wish.get("i"), 10) || 1) - 1;
  state.attempt = 0;
  return show();
}
addEventListener("hashchange", () => {
  if (location.hash.includes("task=")) { follow(); $("viewer").scrollIntoView(); }
});
follow();
