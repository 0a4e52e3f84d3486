// The page is whole without this: it adds a crosshair with the values of all lines, for pointers
// and for the arrow keys.
"use strict";
for (const svg of document.querySelectorAll("svg.plot")) {
	// The pieces of a line with gaps are one line here.
	const lines = [];
	for (const line of svg.querySelectorAll("[data-says]")) {
		const { run, name = "", says } = line.dataset;
		const points = line.getAttribute("points").split(" ").map(p => p.split(",").map(Number));
		const known = lines.find(l => l.run === run && l.name === name);
		if (known) {
			known.says.push(...says.split("|"));
			known.points.push(...points);
		} else {
			lines.push({ line, run, name, says: says.split("|"), points });
		}
	}
	if (lines.length === 0) continue;

	const article = svg.closest("article");
	const canvas = svg.parentNode;
	const readout = canvas.appendChild(document.createElement("ul"));
	readout.className = "readout";
	readout.setAttribute("aria-live", "polite");
	const [left, right, top, foot] = svg.dataset.area.split(" ").map(Number);
	const percent = units => `${100 * units / svg.viewBox.baseVal.width}%`;
	const cross = document.createElementNS(svg.namespaceURI, "path");
	cross.setAttribute("class", "cross");
	svg.append(cross);
	let at = null; // the crosshair's position; null: there is none

	const visible = () => lines.filter(l => getComputedStyle(l.line.parentNode).display !== "none");
	const nearest = (points, x) => {
		let best = 0;
		points.forEach(([px], i) => {
			if (Math.abs(px - x) < Math.abs(points[best][0] - x)) best = i;
		});
		return best;
	};
	const hide = () => {
		at = null;
		cross.removeAttribute("d");
		readout.replaceChildren();
	};
	const show = x => {
		const shown = visible();
		if (shown.length === 0) return hide();
		// The crosshair snaps to the nearest point of any line.
		at = shown.map(l => l.points[nearest(l.points, x)][0])
			.reduce((a, b) => Math.abs(b - x) < Math.abs(a - x) ? b : a);
		cross.setAttribute("d", `M${at} ${top}V${foot}`);
		readout.replaceChildren(...shown.map(l => {
			const item = document.createElement("li");
			const label = article.querySelector(`#${article.id}-s${l.run}`)?.parentNode;
			const name = [label?.textContent.trim(), l.name].filter(Boolean).join(", ");
			item.textContent = `${name}: ${l.says[nearest(l.points, at)]}`;
			const stroke = getComputedStyle(l.line).stroke;
			if (stroke !== "none") item.style.borderLeft = `4px solid ${stroke}`;
			return item;
		}));
		// It stands on the other side of the drawing, where it hides none of what it is about.
		const farRight = at > (left + right) / 2;
		readout.style.left = farRight ? percent(left) : "auto";
		readout.style.right = farRight ? "auto" : percent(svg.viewBox.baseVal.width - right);
	};

	svg.addEventListener("pointermove", e => {
		const p = new DOMPoint(e.clientX, e.clientY).matrixTransform(svg.getScreenCTM().inverse());
		show(p.x);
	});
	svg.addEventListener("pointerleave", hide);
	svg.addEventListener("blur", hide);
	svg.addEventListener("keydown", e => {
		const xs = [...new Set(visible().flatMap(l => l.points.map(p => p[0])))]
			.sort((a, b) => a - b);
		if (xs.length === 0) return;
		const i = at === null ? -1 : xs.indexOf(at);
		const next = {
			ArrowRight: Math.min(i + 1, xs.length - 1),
			ArrowLeft: i < 0 ? xs.length - 1 : Math.max(i - 1, 0),
			Home: 0,
			End: xs.length - 1,
		}[e.key];
		if (e.key === "Escape") return hide();
		if (next === undefined) return;
		e.preventDefault();
		show(xs[next]);
	});
}
document.documentElement.dataset.script = "ran";
