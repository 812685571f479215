"use strict";
// The viewer. state.run counts in data.runs, state.i in that run's questions, state.attempt in the answers to one.
const data = read("data");
const state = {run: 0, i: 0, attempt: 0};
let turn = 0; // the latest call of show: an older one that waited for its blob draws nothing

const among = (runs, wish) => runs.filter(run => Object.keys(wish).every(key => run[key] === wish[key]));
const pick = (set, wish) => { // the set's run nearest to what was asked, the wish's earlier keys first
  let runs = among(data.runs, {set});
  for (const key of Object.keys(wish)) {
    const kept = among(runs, {[key]: wish[key]});
    if (kept.length) runs = kept;
  }
  return data.runs.indexOf(runs[0]);
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
function answered([verdict, reason, cells, grid, way], number, count, set, target) {
  const title = count > 1 ? "Answer " + (number + 1) : "Answer", kind = data.verdicts[verdict];
  const line = element("p"), text = kind === "valid" ? "valid, not the stored answer" : kind;
  line.append(element("span", text, "tag " + kind), " " + (100 * cells).toFixed(1) + "% of cells");
  const content = grid === null ? element("div", "no grid", "blank")
    : way ? film(way, set.colours, target, title) : picture(grid || target, set.colours, target, title);
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

function selects({set, label, shots, attempts}) {
  options($("set"), data.sets.map((_, k) => k), data.sets.map(one => one.label), set);
  for (const [name, key, chosen, kin] of [
    ["model", "label", label, {set}], ["shots", "shots", shots, {set, label}],
    ["attempts", "attempts", attempts, {set, label, shots}],
  ]) {
    const values = uniq(among(data.runs, kin).map(other => other[key]));
    options($(name), values, values.map(String), chosen);
    $(name).closest("label").hidden = key === "attempts" && values.length < 2;
  }
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
  const stored = way ? film(way, set.colours, null, "Stored answer") : picture(target, set.colours, null, "Stored answer");
  const tail = mineAnswers.length ? mineAnswers.map((one, k) => answered(one, k, mineAnswers.length, set, target))
    : [board("Answer", element("div", "not answered", "blank"))];
  $("attempt").textContent = "";
  $("boards").replaceChildren(board("Question", picture(asked.questions[state.i], set.colours, null, "Question")),
    board("Stored answer" + (!way ? "" : way[2] < way[1].length ? ", and how it goes on" : ", step by step"), stored),
    ...tail);
  ring();
  strip(answers);
  const where = {task: set.task, seed: set.seed, model: run.model, shots: run.shots, attempts: run.attempts, run: run.id};
  where.i = state.i + 1;
  try { history.replaceState(null, "", "#" + new URLSearchParams(where)); } catch { /* some browsers, from a file */ }
  $("viewer").dataset.shown = mine;
}

async function go(by) { // to the next question that passes
  const answers = await unpack(data.runs[state.run].blob);
  for (let k = state.i + by; k >= 0 && k < answers.length; k += by) {
    if (wanted(answers[k])) { state.i = k; state.attempt = 0; return show(); }
  }
}
const choose = (set, wish) => {
  state.run = pick(set, wish);
  state.attempt = 0;
  $("lost").hidden = true;
  return show();
};
const now = () => data.runs[state.run];
$("back").onclick = () => go(-1);
$("next").onclick = () => go(1);
const wished = change => { const {label, shots, attempts} = now(); return {label, shots, attempts, ...change}; };
$("set").onchange = () => choose(+$("set").value, wished());
$("model").onchange = () => choose(now().set, wished({label: $("model").value}));
$("shots").onchange = () => choose(now().set, wished({shots: +$("shots").value}));
$("attempts").onchange = () => choose(now().set, wished({attempts: +$("attempts").value}));
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
  p: () => document.querySelector("#boards .board:not(.answer) .play")?.click(),
  a: () => document.querySelectorAll("#boards .answer")[state.attempt]?.querySelector(".play")?.click(),
};
addEventListener("keydown", event => {
  if (typing(event) || !Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});
addEventListener("themechange", show);
addEventListener("see", event => { // from the table: a row may pool several seeds, the first is shown
  const [run] = among(data.runs, {id: event.detail});
  state.i = 0;
  choose(run.set, {id: run.id});
  $("viewer").scrollIntoView();
  $("viewer").focus({preventScroll: true});
});
function follow() { // the address names an instance: #task=…&seed=…&model=…&shots=…&attempts=…&run=…&i=…
  const wish = new URLSearchParams(location.hash.slice(1)), says = (name, value) => (wish.get(name) ?? String(value)) === String(value);
  const meant = data.runs.filter(run => says("task", data.sets[run.set].task) && says("seed", data.sets[run.set].seed) &&
    says("model", run.model) && says("shots", run.shots) && says("attempts", run.attempts) && says("run", run.id));
  if (meant.length) state.run = data.runs.indexOf(meant[0]);
  $("lost").hidden = meant.length > 0; // never another cell without a word
  state.i = (parseInt(wish.get("i"), 10) || 1) - 1;
  state.attempt = 0;
  return show();
}
addEventListener("hashchange", () => {
  if (location.hash.includes("task=")) { follow(); $("viewer").scrollIntoView(); }
});
follow();
