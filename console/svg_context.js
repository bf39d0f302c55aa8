// A drawing context that writes SVG: what Chart.js draws on a canvas, as a picture that can be enlarged and edited.
// It knows the calls that Chart.js makes for lines, bars, areas, points and text, and no more.

const number = (value) => Number(value.toFixed(2));
const escaped = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const ANCHORS = { center: "middle", right: "end", end: "end" };
const LINES = { middle: "central", top: "text-before-edge", hanging: "hanging", bottom: "text-after-edge" };
const KEPT = ["fillStyle", "strokeStyle", "lineWidth", "lineCap", "lineJoin", "globalAlpha", "font", "textAlign",
  "textBaseline", "lineDashOffset", "dash", "matrix", "clips"];

export class SvgContext {
  constructor(width, height) {
    this.canvas = { width, height, style: {}, getContext: () => this, getAttribute: () => null, setAttribute: () => {},
      ownerDocument: null };
    this.measuring = document.createElement("canvas").getContext("2d");
    Object.assign(this, { fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, lineCap: "butt", lineJoin: "miter",
        globalAlpha: 1, font: "12px sans-serif", textAlign: "start", textBaseline: "alphabetic", lineDashOffset: 0 });
    Object.assign(this, { dash: [], matrix: new DOMMatrix(), clips: [], kept: [], path: "", out: [], defs: [] });
  }

  save() { this.kept.push(Object.fromEntries(KEPT.map((name) => [name, this[name]]))); }
  restore() { Object.assign(this, this.kept.pop()); }
  setTransform(...values) { this.matrix = new DOMMatrix(values); }
  resetTransform() { this.matrix = new DOMMatrix(); }
  translate(x, y) { this.matrix = this.matrix.translate(x, y); }
  rotate(angle) { this.matrix = this.matrix.rotate((180 * angle) / Math.PI); }
  scale(x, y) { this.matrix = this.matrix.scale(x, y); }
  setLineDash(dash) { this.dash = dash; }
  getLineDash() { return this.dash; }
  measureText(text) { this.measuring.font = this.font; return this.measuring.measureText(text); }

  at(x, y) { const point = this.matrix.transformPoint({ x, y }); return `${number(point.x)} ${number(point.y)}`; }
  beginPath() { this.path = ""; }
  closePath() { this.path += "Z"; }
  moveTo(x, y) { this.path += `M${this.at(x, y)}`; }
  lineTo(x, y) { this.path += `${this.path ? "L" : "M"}${this.at(x, y)}`; }
  bezierCurveTo(a, b, c, d, x, y) { this.path += `C${this.at(a, b)} ${this.at(c, d)} ${this.at(x, y)}`; }
  quadraticCurveTo(a, b, x, y) { this.path += `Q${this.at(a, b)} ${this.at(x, y)}`; }
  rect(x, y, width,
    height) { this.path += `M${this.at(x, y)}L${this.at(x + width, y)}L${this.at(x + width, y + height)}L${this.at(x, y + height)}Z`; }
  arc(x, y, radius, from, to, backwards = false) {
    const turn = backwards ? from - to : to - from;
    const place = (angle) => [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    this.lineTo(...place(from));
    const halves = Math.abs(turn) >= 2 * Math.PI - 1e-6 ? [from + Math.PI, from + 2 * Math.PI] : [to];
    for (const end of halves) this.path += `A${number(radius)} ${number(radius)} 0 ${Math.abs(turn) > Math.PI && halves.length === 1 ? 1 : 0} ${backwards ? 0 : 1} ${this.at(...place(end))}`;
  }

  clip() {
    this.defs.push(`<clipPath id="clip-${this.defs.length}"><path d="${this.path}"/></clipPath>`);
    this.clips = [...this.clips, this.defs.length - 1];
  }
  clipped(shape) { return this.clips.reduce((inner, each) => `<g clip-path="url(#clip-${each})">${inner}</g>`, shape); }
  draw(shape) { this.out.push(this.clipped(shape)); }
  alpha() { return this.globalAlpha < 1 ? ` opacity="${this.globalAlpha}"` : ""; }
  lined() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    return `fill="none" stroke="${escaped(this.strokeStyle)}" stroke-width="${this.lineWidth}" stroke-linecap="${this.lineCap}" stroke-linejoin="${this.lineJoin}"${dash}`;
  }
  fill() { if (this.path) this.draw(`<path d="${this.path}" fill="${escaped(this.fillStyle)}"${this.alpha()}/>`); }
  stroke() { if (this.path && this.lineWidth) this.draw(`<path d="${this.path}" ${this.lined()}${this.alpha()}/>`); }
  fillRect(...box) { this.beginPath(); this.rect(...box); this.fill(); }
  strokeRect(...box) { this.beginPath(); this.rect(...box); this.stroke(); }
  clearRect() {}
  strokeText() {}
  fillText(text, x, y) {
    const { a, b, c, d, e, f } = this.matrix;
    const line = LINES[this.textBaseline];
    const [, weight = "normal", size, family] = this.font.match(/(bold|[1-9]00)?\s*([\d.]+)px(?:\/\S+)? (.+)$/);
    this.draw(`<text transform="matrix(${[a, b, c, d, e, f].map(number).join(" ")})" x="${number(x)}" y="${number(y)}" font-size="${size}" font-weight="${weight}" font-family="${escaped(family)}" fill="${escaped(this.fillStyle)}" text-anchor="${ANCHORS[this.textAlign] ?? "start"}"${line ? ` dominant-baseline="${line}"` : ""}>${escaped(text)}</text>`);
  }

  text() {
    const { width, height } = this.canvas;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><defs>${this.defs.join("")}</defs>${this.out.join("")}</svg>`;
  }
}
