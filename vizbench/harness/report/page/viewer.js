"use strict";
// The viewer. state.trial counts in data.trials, state.i in the trial's questions, state.attempt in the answers to one.
const data = read("data");
const state = {trial: 0, i: 0, attempt: 0};
let turn = 0; // the latest call of show: an older one that waited for its blob draws nothing

const among = (trials, wish) => trials.filter(trial => Object.keys(wish).every(key => trial[key] === wish[key]));
const pick = (set, wish) => { // the set's trial nearest to the wish, whose earlier keys go first
  let trials = among(data.trials, {set});
  for (const key of Object.keys(wish)) {
    const kept = among(trials, {[key]: wish[key]});
    if (kept.length) trials = kept;
  }
  return data.trials.indexOf(trials[0]);
};
const verdictOf = answers => answers.length ? data.verdicts[answers[0][0]] : "none";
const passes = answers => { // whether a question with these answers is to be shown
  const only = $("only-verdict").value;
  if (only === "any") return true;
  if (only === "split") return uniq(answers.map(answer => answer[0] === 0)).length > 1;
  return verdictOf(answers) === only;
};

function board(title, content, ...lines) {
  const made = element("div", undefined, "board");
  made.append(element("h3", title), content, ...lines);
  return made;
}
function answered([verdict, reason, cells, grid, trajectory], number, count, set, target) {
  const title = count > 1 ? "Answer " + (number + 1) : "Answer", kind = data.verdicts[verdict];
  const line = element("p"), text = kind === "valid" ? "valid, not the target" : kind;
  line.append(element("span", text, "tag " + kind), " " + (100 * cells).toFixed(1) + "% of cells");
  const content = grid === null ? element("div", "no grid", "blank")
    : trajectory ? film(trajectory, set.look, target, title) : picture(grid || target, set.look, target, title);
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
  for (const [name, key, chosen, wish] of [
    ["model", "label", label, {set}], ["shots", "shots", shots, {set, label}],
    ["attempts", "attempts", attempts, {set, label, shots}],
  ]) {
    const values = uniq(among(data.trials, wish).map(other => other[key]));
    options($(name), values, values.map(String), chosen);
    $(name).closest("label").hidden = key === "attempts" && values.length < 2;
  }
}
function strip(answers) {
  $("strip").replaceChildren(...answers.map((list, k) => {
    const kind = verdictOf(list), dot = element("button", undefined, kind);
    dot.type = "button";
    dot.tabIndex = k === state.i ? 0 : -1; // one stop of the Tab key
    dot.hidden = !passes(list);
    dot.title = (k + 1) + ": " + (kind === "none" ? "not answered" : kind);
    dot.setAttribute("aria-label", dot.title);
    dot.setAttribute("aria-current", k === state.i);
    dot.onclick = () => { state.i = k; state.attempt = 0; show(); };
    return dot;
  }));
}
async function show() {
  const mine = ++turn, trial = data.trials[state.trial], set = data.sets[trial.set];
  selects(trial);
  const [asked, answers] = await Promise.all([unpack(set.blob), unpack(trial.blob)]);
  if (mine !== turn) return;
  state.i = Math.min(Math.max(state.i, 0), answers.length - 1);
  const target = asked.targets[state.i], trajectory = asked.trajectories[state.i], given = answers[state.i];
  const passing = answers.filter(passes).length;
  $("place").textContent = (state.i + 1) + " of " + answers.length + " · " + asked.ids[state.i];
  $("passing").textContent = $("only-verdict").value === "any" ? "" : passing + " of " + answers.length + " questions";
  const right = trajectory ? film(trajectory, set.look, null, "Target") : picture(target, set.look, null, "Target");
  const how = !trajectory ? "" : trajectory[2] < trajectory[1].length ? ", and how it continues" : ", step by step";
  const tail = given.length ? given.map((answer, k) => answered(answer, k, given.length, set, target))
    : [board("Answer", element("div", "not answered", "blank"))];
  $("attempt").textContent = "";
  $("boards").replaceChildren(board("Question", picture(asked.questions[state.i], set.look, null, "Question")),
    board("Target" + how, right), ...tail);
  ring();
  strip(answers);
  const where = {task: set.task, seed: set.seed, model: trial.model, shots: trial.shots, attempts: trial.attempts, trial: trial.id};
  where.i = state.i + 1;
  try { history.replaceState(null, "", "#" + new URLSearchParams(where)); } catch { /* some browsers, from a file */ }
  $("viewer").dataset.shown = mine;
}

async function go(by) { // to the next question that passes
  const answers = await unpack(now().blob);
  for (let k = state.i + by; k >= 0 && k < answers.length; k += by) {
    if (passes(answers[k])) { state.i = k; state.attempt = 0; return show(); }
  }
}
const choose = (set, wish) => {
  state.trial = pick(set, wish);
  state.attempt = 0;
  $("unknown-trial").hidden = true;
  return show();
};
const now = () => data.trials[state.trial];
$("back").onclick = () => go(-1);
$("next").onclick = () => go(1);
const wished = change => { const {label, shots, attempts} = now(); return {label, shots, attempts, ...change}; };
$("set").onchange = () => choose(+$("set").value, wished());
$("model").onchange = () => choose(now().set, wished({label: $("model").value}));
$("shots").onchange = () => choose(now().set, wished({shots: +$("shots").value}));
$("attempts").onchange = () => choose(now().set, wished({attempts: +$("attempts").value}));
$("only-verdict").onchange = async () => {
  const answers = await unpack(now().blob);
  if (!passes(answers[state.i])) state.i = Math.max(0, answers.findIndex(passes));
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
addEventListener("see", event => { // from the table: a row may pool several seeds, and the first is shown
  const [trial] = among(data.trials, {id: event.detail});
  state.i = 0;
  choose(trial.set, {id: trial.id});
  $("viewer").scrollIntoView();
  $("viewer").focus({preventScroll: true});
});
function follow() { // the link names an instance: #task=…&seed=…&model=…&shots=…&attempts=…&trial=…&i=…
  const wish = new URLSearchParams(location.hash.slice(1)), says = (name, value) => (wish.get(name) ?? String(value)) === String(value);
  const meant = data.trials.filter(trial => says("task", data.sets[trial.set].task) && says("seed", data.sets[trial.set].seed) &&
    says("model", trial.model) && says("shots", trial.shots) && says("attempts", trial.attempts) && says("trial", trial.id));
  if (meant.length) state.trial = data.trials.indexOf(meant[0]);
  $("unknown-trial").hidden = meant.length > 0; // another trial is never shown without a word
  state.i = (parseInt(wish.get("i"), 10) || 1) - 1;
  state.attempt = 0;
  return show();
}
addEventListener("hashchange", () => {
  if (location.hash.includes("task=")) { follow(); $("viewer").scrollIntoView(); }
});
follow();
