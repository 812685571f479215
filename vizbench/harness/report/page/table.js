"use strict";
// Tables are sorted and filtered as data. Rows are written only as far as they are looked at.
const percent = value => (100 * value).toFixed(1) + "%";
const written = {
  text: value => value,
  count: value => value.toLocaleString("en"),
  share: percent,
  span: value => (100 * value[0]).toFixed(1) + "–" + (100 * value[1]).toFixed(1),
  worded: value => value[1],
  ratio: value => value.toFixed(3),
  seconds: value => value < 10 ? value.toFixed(2) + " s" : Math.round(value).toLocaleString("en") + " s",
};
// What a sign in a figure means, for who points at it. The page says the same in text.
const signs = text => [
  [/^–/, "–: there is none"],
  [/^any$/, "any: both ends are open"],
  [/^≤/, "≤: at most that; the curve is at 90% already with its fewest measured shots"],
  [/^>/, ">: more than that; the curve is below 90% with its most measured shots"],
].filter(([sign]) => sign.test(text)).map(([, meaning]) => meaning).join("; ");
const byText = new Intl.Collator("en", {numeric: true}).compare;

// Fills `host`, a .table element. finish(line, row, before, unsorted) adds what a row has beyond its columns. Returns a
// function that writes again the rows that `keep` accepts, and returns their number.
function tableIn(host, {columns, rows}, finish) {
  const STEP = 60, table = host.querySelector("table"), body = table.tBodies[0], button = host.querySelector(".more");
  let order = null, keep = () => true, shown = [], done = 0;
  const lineOf = (row, before) => {
    const line = element("tr", undefined, row.trivial ? "trivial" : "");
    for (const {key, title, kind} of columns) {
      const value = row[key] ?? null, text = value === null ? "–" : written[kind](value);
      const td = element("td", text, (kind === "text" ? "t name" : "") + (value === null ? " none" : ""));
      Object.assign(td.dataset, {key, title}); // a narrow window shows rows as cards, each figure under its title
      if (value === null || kind === "worded") td.title = signs(text);
      line.append(td);
    }
    if (finish) finish(line, row, before, order === null);
    return line;
  };
  const more = () => {
    const next = shown.slice(done, done + STEP);
    body.append(...next.map((row, k) => lineOf(row, shown[done + k - 1])));
    done += next.length;
    button.hidden = done >= shown.length;
  };
  const value = row => {
    const content = row[order.key] ?? null;
    return Array.isArray(content) ? content[0] : content;
  };
  const compare = (a, b) => { // what has no value stays at the end
    const x = value(a), y = value(b);
    if (x === null || y === null) return (x === null) - (y === null);
    return (typeof x === "string" ? byText(x, y) : x - y) * (order.falling ? -1 : 1);
  };
  const refresh = (accepts = keep) => {
    keep = accepts;
    shown = rows.filter(keep);
    if (order) shown.sort(compare);
    body.replaceChildren();
    done = 0;
    more();
    return shown.length;
  };
  const heads = columns.map(({key, title, kind, help}) => {
    const head = element("th", undefined, kind === "text" ? "t" : ""), press = element("button", title);
    head.scope = "col";
    head.title = help;
    press.type = "button";
    press.onclick = () => { // a first click sorts words from a to z, and figures from the largest
      const again = order && order.key === key;
      order = {key, falling: again ? !order.falling : kind !== "text"};
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order.falling ? "descending" : "ascending");
      refresh();
    };
    head.append(press);
    return head;
  });
  table.tHead.rows[0].append(...heads);
  button.onclick = more;
  const box = host.querySelector(".scroll"), frame = host.querySelector(".frame");
  const edge = () => { // a shade and a line of text show that there are columns beyond the edge
    frame.classList.toggle("wide", box.scrollWidth > box.clientWidth + 1);
    frame.classList.toggle("at-end", box.scrollLeft + box.clientWidth >= box.scrollWidth - 1);
  };
  new ResizeObserver(edge).observe(box);
  box.onscroll = () => {
    edge();
    if (done < shown.length && box.scrollTop + box.clientHeight > box.scrollHeight - 400) more();
  };
  refresh();
  edge();
  return refresh;
}

// Whether a row's text holds every word of a filter.
const holds = (text, filter) => filter.toLowerCase().split(/\s+/).every(word => text.includes(word));
const left = (shown, rows) => shown.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " rows";

function folded(details) { // a table that is written when it is first opened, with its own filter
  const spec = read(details.dataset.table), {columns, rows} = spec, refresh = tableIn(details, spec);
  const [words, trivial] = details.querySelectorAll(".controls input"), count = details.querySelector(".controls span");
  const named = columns.filter(({kind}) => kind === "text" || kind === "count").map(({key}) => key);
  const texts = new Map(rows.map(row => [row, named.map(key => row[key]).join(" ").toLowerCase()]));
  const filter = () => {
    const shown = refresh(row => (trivial.checked || !row.trivial) && holds(texts.get(row), words.value));
    count.textContent = left(shown, rows);
  };
  trivial.parentElement.hidden = !rows.some(row => row.trivial);
  words.oninput = trivial.oninput = filter;
  filter();
}
for (const details of document.querySelectorAll("details[data-table]")) {
  details.addEventListener("toggle", () => folded(details), {once: true});
}

// The table of results has filters, flags and buttons that open the viewer.
{
  const spec = read("rows"), rows = spec.rows;
  const finish = (line, row, before, unsorted) => {
    if (unsorted && before && before.task !== row.task) line.classList.add("first");
    const entry = key => [...line.cells].find(one => one.dataset.key === key);
    entry("label").title = row.task;
    entry("pretraining_overlap").title = row.pretraining_overlap_help;
    if (row.undecodable_help) entry("undecodable").title = row.undecodable_help;
    for (const mark of ["leaky", "flagged"]) if (row[mark]) {
      const flag = element("span", mark, "flag");
      flag.title = row[mark];
      entry("label").append(flag);
    }
    const see = element("button", "view", "see"), first = element("td", undefined, "open");
    see.type = "button";
    see.onclick = () => dispatchEvent(new CustomEvent("see", {detail: row.trial}));
    see.setAttribute("aria-label", "view the answers of " + row.model + " on " + row.label + ", " + row.shots + " shots");
    see.title = row.seeds.length > 1 ? "Opens seed " + row.seeds[0] + "; the row counts seeds " + row.seeds.join(", ") : "";
    first.append(see);
    line.prepend(first);
  };
  const refresh = tableIn($("results-table"), spec, finish);
  $("results-table").querySelector("thead tr").prepend(element("th", "answers", "soft"));
  const words = new Map(rows.map(row => [row, [row.label, row.task, row.pretraining_overlap_help, row.model, row.leaky ? "leaky" : "", row.flagged ? "flagged" : ""].join(" ").toLowerCase()]));
  const filter = () => {
    const text = $("filter").value, model = $("only-model").value, shots = $("only-shots").value, trivial = $("trivial").checked;
    const shown = refresh(row => holds(words.get(row), text) && (trivial || !row.trivial) &&
      (!model || row.model === model) && (!shots || String(row.shots) === shots));
    $("rows-left").textContent = left(shown, rows);
  };
  const models = uniq(rows.map(row => row.model)), counts = uniq(rows.map(row => row.shots)).sort((a, b) => a - b);
  options($("only-model"), ["", ...models], ["all", ...models], "");
  options($("only-shots"), ["", ...counts.map(String)], ["all", ...counts.map(written.count)], "");
  for (const name of ["filter", "only-model", "only-shots", "trivial"]) $(name).oninput = filter;
  addEventListener("keydown", event => {
    if (event.key === "/" && !typing(event)) { $("filter").focus(); event.preventDefault(); }
  });
  filter();
}
