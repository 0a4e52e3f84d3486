// The page is what the server told: a list of runs, each with its points, and five drawings of the
// run that is chosen.
"use strict";

const kept = 600; // seconds of a run, as at the server
const size = {width: 640, height: 210, left: 62, right: 14, top: 10, foot: 24};
const svgNS = "http://www.w3.org/2000/svg";

// Units, as the report has them.
const digits = v => v < 9.995 ? v.toFixed(2) : v < 99.95 ? v.toFixed(1) : v.toFixed(0);
function count(v) {
	if (v < 10000) return String(Math.round(v));
	let u = 0;
	for (; v >= 999.5 && u < 4; u++) v /= 1000;
	return digits(v) + " kMGT"[u].trim();
}
function duration(ns) {
	if (ns === 0) return "0";
	for (const [unit, next] of [["ns", 1e3], ["µs", 1e6], ["ms", 1e9], ["s", 120e9]]) {
		if (ns < 0.9995 * next || unit === "s") {
			return (unit === "ns" ? String(Math.round(ns)) : digits(ns / next * (unit === "s" ? 120 : 1000))) + unit;
		}
	}
}
const seconds = v => v < 120 ? `${Math.round(v * 10) / 10}s` : `${Math.floor(v / 60)}m${String(Math.floor(v % 60)).padStart(2, "0")}s`;

// A second may be a little longer than one; what is shown is a rate.
const rate = name => p => p.point[name] / (p.point.seconds || 1);
// No time was measured in a second without events.
const time = name => p => p.point[name] > 0 ? p.point[name] : null;
const plain = (name, value, look) => ({name, value, look});
const charts = [
	{id: "propagation", title: "Propagation, from due to handled", log: true, label: duration, lines: () => [
		plain("p50", time("propagation_p50_ns"), "c0 d0"),
		plain("p99", time("propagation_p99_ns"), "c1 d1")]},
	{id: "rate", title: "Events per second", label: count, lines: () => [
		plain("delivered", rate("delivered"), "c2 d0"),
		plain("published", rate("published"), "c0 d1"),
		plain("conflated", rate("conflated"), "c4 d2")]},
	{id: "drops", title: "Drops per second, by cause", label: count, lines: points => {
		const causes = [...new Set(points.flatMap(p => Object.keys(p.point.dropped_by || {})))].sort();
		if (causes.length === 0) return [plain("dropped", rate("dropped"), "c1 d0")];
		return causes.map((cause, i) => plain(cause,
			p => ((p.point.dropped_by || {})[cause] || 0) / (p.point.seconds || 1),
			`c${(i + 1) % 7} d${i % 4}`));
	}},
	{id: "waiting", title: "Waiting: in flight, and in the task queue", label: count, lines: () => [
		plain("in flight", p => p.point.in_flight, "c3 d0"),
		plain("task queue", p => p.point.queue_depth, "c0 d1")]},
	{id: "staleness", title: "Staleness of the views that became right", log: true, label: duration, lines: () => [
		plain("p50", time("staleness_p50_ns"), "c0 d0"),
		plain("p99", time("staleness_p99_ns"), "c1 d1")]},
];

let runs = [];
let shown = -1; // the run that is drawn
let at = null; // the time of the crosshair, in all drawings; null: the last second
let waiting = false;
const byID = id => document.getElementById(id);

function node(name, attributes, ...children) {
	const n = document.createElementNS(name in {svg: 1, path: 1, polyline: 1, text: 1, circle: 1, title: 1} ? svgNS : "http://www.w3.org/1999/xhtml", name);
	for (const [k, v] of Object.entries(attributes || {})) n.setAttribute(k, v);
	n.append(...children);
	return n;
}

// Drawing is put off to the next frame: many points may come at once. A page that nobody sees has
// no frames, and needs none.
function later() {
	if (waiting) return;
	waiting = true;
	requestAnimationFrame(() => {
		waiting = false;
		table();
		if (runs[shown]) for (const c of charts) draw(c, runs[shown].points);
	});
}

function choose(run) {
	if (run === shown) return;
	[shown, at] = [run, null];
	later();
}

function table() {
	const body = document.querySelector("#runs tbody");
	while (body.rows.length > runs.length) body.deleteRow(-1);
	runs.forEach((r, i) => {
		let row = body.rows[i];
		if (!row) {
			row = body.insertRow();
			const name = node("button", {type: "button"});
			row.append(node("th", {scope: "row"}, String(i + 1)), node("td", {class: "words"}, name),
				node("td", {class: "words"}), ...Array.from({length: 6}, () => node("td")));
			row.addEventListener("click", () => {
				byID("follow").checked = false;
				choose(i);
			});
		}
		row.querySelector("button").textContent = r.name;
		row.toggleAttribute("aria-current", i === shown);
		const cells = [...row.cells].slice(3);
		const p = r.points.at(-1);
		if (r.end) {
			row.cells[2].replaceChildren(node("span", {class: `word ${r.end.verdict}`}, r.end.verdict));
			row.cells[2].title = (r.end.reasons || []).join("\n");
			[count(r.end.delivered) + " in all", "", count(r.end.dropped), duration(r.end.propagation_p50_ns),
				duration(r.end.propagation_p99_ns), duration(r.end.staleness_p99_ns)]
				.forEach((text, j) => { cells[j].textContent = text; });
		} else if (p) {
			const percent = Math.floor(100 * p.fraction);
			row.cells[2].replaceChildren(`${p.phase} `, node("progress", {max: 100, value: percent,
				"aria-label": `${r.name}: done`}), ` ${percent}%`);
			[count(rate("delivered")(p)), count(p.point.in_flight), count(p.dropped), duration(p.point.propagation_p50_ns),
				duration(p.point.propagation_p99_ns), duration(p.point.staleness_p99_ns || 0)]
				.forEach((text, j) => { cells[j].textContent = text; });
		} else {
			row.cells[2].textContent = "to come";
			for (const c of cells) c.textContent = "";
		}
	});
	const r = runs[shown];
	byID("shown-h").textContent = r ? `${shown + 1} ${r.name}: the last ten minutes` : "Nothing runs yet";
}

// steps are round values from 0 to what covers highest.
function steps(highest, most) {
	const ten = 10 ** Math.floor(Math.log10(highest / most));
	return multiples([1, 2, 5, 10].map(m => m * ten).find(s => highest / s <= most), highest);
}
function multiples(step, highest) {
	const out = [];
	for (let i = 0; i * step < highest + step - 1e-9; i++) out.push(i * step);
	return out;
}
const clockSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300]; // s

// scaleOf maps values to heights, with the values that get a line of the grid.
function scaleOf(chart, values) {
	const low = size.height - size.foot, height = low - size.top;
	if (!chart.log) {
		const ticks = steps(Math.max(4, ...values), 4);
		return {ticks, y: v => low - height * v / ticks.at(-1)};
	}
	const exponents = values.filter(v => v > 0).map(Math.log10);
	const first = exponents.length ? Math.floor(Math.min(...exponents)) : 6;
	const last = Math.max(first + 1, exponents.length ? Math.ceil(Math.max(...exponents)) : 7);
	const ticks = Array.from({length: last - first + 1}, (_, i) => 10 ** (first + i));
	return {ticks, y: v => low - height * (Math.log10(v) - first) / (last - first)};
}

function frame(chart) {
	const heading = node("h3", {id: `${chart.id}-h`}, chart.title);
	chart.key = node("ul", {class: "key"});
	chart.svg = node("svg", {class: "plot", id: chart.id, role: "img", tabindex: 0,
		viewBox: `0 0 ${size.width} ${size.height}`, "aria-labelledby": `${chart.id}-h`});
	byID("figures").append(node("figure", {"aria-labelledby": `${chart.id}-h`}, heading, chart.key, chart.svg));
	chart.svg.addEventListener("pointermove", e => {
		const x = new DOMPoint(e.clientX, e.clientY).matrixTransform(chart.svg.getScreenCTM().inverse()).x;
		if (runs[shown]) point(span(runs[shown].points).t(x));
	});
	for (const leave of ["pointerleave", "blur"]) chart.svg.addEventListener(leave, () => point(null));
	chart.svg.addEventListener("keydown", e => {
		const points = runs[shown] ? runs[shown].points : [];
		const i = at === null ? points.length : nearest(points, at);
		const to = {ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: points.length - 1}[e.key];
		if (e.key === "Escape") return point(null);
		if (to === undefined || points.length === 0) return;
		e.preventDefault();
		point(points[Math.min(Math.max(to, 0), points.length - 1)].point.at_s);
	});
}

function point(t) {
	at = t;
	later();
}

function nearest(points, t) {
	let best = 0;
	points.forEach((p, i) => {
		if (Math.abs(p.point.at_s - t) < Math.abs(points[best].point.at_s - t)) best = i;
	});
	return best;
}

// span maps the time of the points to the width, and back.
function span(points) {
	const last = points.length ? points.at(-1).point.at_s : 1;
	const first = points.length ? points[0].point.at_s - (points[0].point.seconds || 1) : 0;
	const width = size.width - size.left - size.right, length = Math.max(last - first, 1);
	return {first, last: first + length, x: t => size.left + width * (t - first) / length,
		t: x => first + length * (x - size.left) / width};
}

function draw(chart, points) {
	const lines = chart.lines(points);
	const data = lines.map(l => points.map(l.value));
	const scale = scaleOf(chart, data.flat().filter(v => v !== null));
	const along = span(points), low = size.height - size.foot;
	const parts = [];
	const label = (x, y, anchor, text) => parts.push(node("text", {x, y, "text-anchor": anchor}, text));
	for (const v of scale.ticks) {
		const y = scale.y(v);
		parts.push(node("path", {class: "grid", d: `M${size.left} ${y}H${size.width - size.right}`}));
		label(size.left - 6, y + 4, "end", chart.label(v).replace(/\.0+(?=\D|$)/, "")); // round anyway
	}
	const step = clockSteps.find(s => (along.last - along.first) / s <= 6) || 600;
	for (const t of multiples(step, along.last)) {
		const x = along.x(t);
		if (t < along.first || t > along.last) continue;
		label(x, size.height - 6, x < size.left + 12 ? "start" : x > size.width - 40 ? "end" : "middle", seconds(t));
	}
	lines.forEach((l, i) => {
		const runsOf = [[]]; // a second without a value breaks the line
		data[i].forEach((v, j) => {
			if (v === null) return void (runsOf.at(-1).length && runsOf.push([]));
			runsOf.at(-1).push([along.x(points[j].point.at_s), scale.y(v)].map(n => n.toFixed(1)).join(","));
		});
		for (const r of runsOf) {
			if (r.length === 1) {
				const [cx, cy] = r[0].split(",");
				parts.push(node("circle", {class: `dot ${l.look}`, cx, cy, r: 2.5}));
			} else if (r.length > 1) {
				parts.push(node("polyline", {class: `line ${l.look}`, points: r.join(" ")}));
			}
		}
	});
	const i = at === null ? points.length - 1 : nearest(points, at);
	if (at !== null && points[i]) {
		parts.push(node("path", {class: "cross", d: `M${along.x(points[i].point.at_s)} ${size.top}V${low}`}));
	}
	chart.svg.replaceChildren(...parts);
	const says = v => v === null || v === undefined ? "–" : chart.label(v);
	chart.key.replaceChildren(...lines.map((l, j) => node("li", null,
		node("svg", {class: "swatch", viewBox: "0 0 28 10", "aria-hidden": "true"}, node("path", {class: `line ${l.look}`, d: "M0 5H28"})),
		`${l.name} ${says(data[j][i])}`)), node("li", null, points[i] ? `at ${seconds(points[i].point.at_s)}` : "nothing yet"));
}

function link(state, text) {
	byID("link").className = `link ${state}`;
	byID("link").textContent = text;
}

function connect() {
	const source = new EventSource("events");
	const on = (event, f) => source.addEventListener(event, e => {
		f(JSON.parse(e.data));
		later();
	});
	source.addEventListener("open", () => link("on", "live"));
	source.addEventListener("error", () => {
		link("off", "no connection: the program has ended, or is away; trying again");
		// A browser gives up on an answer that isn't a stream.
		if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
	});
	on("reset", () => {
		[runs, shown, at] = [[], -1, null];
		byID("done").hidden = true;
	});
	on("run", r => { runs[r.run] = {name: r.name, points: []}; });
	on("point", p => {
		const points = runs[p.run].points;
		points.push(p);
		const old = points.findIndex(q => q.point.at_s >= p.point.at_s - kept);
		if (old > 0) points.splice(0, old);
		if (shown < 0 || byID("follow").checked && (!runs[shown] || runs[shown].end)) choose(p.run);
	});
	on("end", e => { runs[e.run].end = e; });
	on("done", d => {
		source.close();
		link("end", "ended");
		byID("done").hidden = false;
		byID("done").className = `verdict ${d.verdict}`;
		byID("done").querySelector(".word").textContent = d.verdict;
		byID("done").querySelector("span").textContent = d.text;
	});
}

document.querySelector("main").hidden = false;
for (const c of charts) frame(c);
byID("follow").addEventListener("change", () => {
	const running = runs.findIndex(r => r.points.length > 0 && !r.end);
	if (byID("follow").checked && running >= 0) choose(running);
});
later();
connect();
