"use strict";
(function () {
  var source = JSON.parse(document.getElementById("data").textContent);
  var texts = Array.from(document.querySelectorAll("#moments li"), function (li) { return li.textContent; });
  var last = texts.length - 1;
  var now = Math.max(0, last);
  var SVG = "http://www.w3.org/2000/svg";
  var map = bytes(source.colours);
  var panels = Array.from(document.querySelectorAll("[data-panel]"), function (element) {
    return prepare(element, source.panels[Number(element.dataset.panel)]);
  });

  function bytes(text) {
    var raw = atob(text), out = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i += 1) { out[i] = raw.charCodeAt(i); }
    return out;
  }
  function make(name, parent, attributes) {
    var node = document.createElementNS(SVG, name);
    Object.keys(attributes).forEach(function (key) { node.setAttribute(key, attributes[key]); });
    parent.appendChild(node);
    return node;
  }
  function share(value, axis) {
    var low = axis.lim[0], high = axis.lim[1];
    return axis.log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  }
  function across(panel, x) { return panel.box[0] + panel.box[2] * share(x, panel.x); }
  function down(panel, y) { return panel.box[1] + panel.box[3] * (1 - share(y, panel.y)); }

  function prepare(element, data) {
    var panel = Object.assign({ element: element, img: element.querySelector("img"), svg: element.querySelector("svg"),
      says: element.querySelector(".says") }, data);
    panel.paths = Array.from(panel.svg.querySelectorAll("path"));
    panel.picture = panel.svg.querySelector("image");
    if (panel.cursor) {
      var box = panel.box;
      panel.lines = [make("line", panel.svg, { "class": "now", y1: box[1], y2: box[1] + box[3] })];
      if (panel.cursor[0].length > 1) { panel.lines.push(make("line", panel.svg, { "class": "now", x1: box[0], x2: box[0] + box[2] })); }
    }
    if (panel.box && (panel.series && panel.series.length || panel.marks || panel.image)) {
      panel.dots = make("g", panel.svg, { "class": "dots" });
      panel.svg.classList.add("alive");
      panel.svg.addEventListener("pointermove", function (event) { point(panel, event); });
      panel.svg.addEventListener("pointerdown", function (event) { point(panel, event); });
      panel.svg.addEventListener("pointerleave", function () { hide(panel); });
    }
    return panel;
  }

  // -- drawing a moment --------------------------------------------------------------------------
  function path(panel, mark, points) {
    var text = "", before = null, count = 0, only = null;
    points[0].forEach(function (x, i) {
      var y = points[1][i];
      if (panel.x.log && x <= 0 || panel.y.log && y <= 0) { return; }
      var a = across(panel, x).toFixed(1), b = down(panel, y).toFixed(1);
      if (before === null) { text += "M" + a + "," + b; }
      else if (mark.step) { text += "V" + b + "H" + a; }
      else { text += "L" + a + "," + b; }
      before = b; count += 1; only = [a, b];
    });
    if (count === 1) { return "M" + (Number(only[0]) - 3) + "," + only[1] + "H" + (Number(only[0]) + 3); }
    return text;
  }
  function values(panel, frame) {
    var image = panel.image, index = image.still ? 0 : frame;
    if (!image.cache) { image.cache = {}; }
    if (!image.cache[index]) { image.cache[index] = new Uint16Array(bytes(image.frames[index]).buffer); }
    return image.cache[index];
  }
  function paint(panel, frame) {
    var image = panel.image, rows = image.shape[0], columns = image.shape[1], kept = values(panel, frame);
    var canvas = document.createElement("canvas");
    canvas.width = columns; canvas.height = rows;
    var area = canvas.getContext("2d"), pixels = area.createImageData(columns, rows);
    for (var r = 0; r < rows; r += 1) {
      for (var c = 0; c < columns; c += 1) {
        var stored = kept[r * columns + c], at = 4 * ((image.up ? rows - 1 - r : r) * columns + c);
        if (stored === 0) { continue; }
        var part = ((stored - 1) * image.scale) / (image.high - image.low || 1);
        var colour = 3 * Math.max(0, Math.min(255, Math.floor(part * 256)));
        pixels.data[at] = map[colour]; pixels.data[at + 1] = map[colour + 1];
        pixels.data[at + 2] = map[colour + 2]; pixels.data[at + 3] = 255;
      }
    }
    area.putImageData(pixels, 0, 0);
    panel.picture.setAttribute("href", canvas.toDataURL());
  }
  function draw(panel, frame) {
    if (panel.moving) {
      panel.img.alt = panel.alts[frame];
      if (panel.says) { panel.says.textContent = panel.alts[frame]; }
      if (panel.whole) { panel.img.src = panel.frames[frame]; }
      if (panel.marks) {
        panel.marks.forEach(function (mark, i) { panel.paths[i].setAttribute("d", path(panel, mark, panel.frames[frame][i])); });
      }
      if (panel.image && panel.picture) { paint(panel, frame); }
      hide(panel);
    }
    if (panel.cursor) {
      var x = across(panel, panel.cursor[frame][0]);
      var inside = x >= panel.box[0] - 1 && x <= panel.box[0] + panel.box[2] + 1;
      panel.lines[0].style.display = inside ? "" : "none";
      panel.lines[0].setAttribute("x1", x); panel.lines[0].setAttribute("x2", x);
      if (panel.lines[1]) {
        var y = down(panel, panel.cursor[frame][1]);
        panel.lines[1].setAttribute("y1", y); panel.lines[1].setAttribute("y2", y);
      }
    }
  }

  // -- values under the pointer ------------------------------------------------------------------
  var tip = document.getElementById("tip");
  function number(value) {
    if (Number.isInteger(value)) { return value.toLocaleString("en"); }
    if (Math.abs(value) < 1e-4) { return value.toExponential(2); }
    return Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 8 });
  }
  function hide(panel) {
    tip.hidden = true;
    if (panel.dots) { panel.dots.replaceChildren(); }
  }
  function point(panel, event) {
    var frame = panel.svg.getBoundingClientRect(), lines = [];
    var px = (event.clientX - frame.left) / frame.width * panel.w, py = (event.clientY - frame.top) / frame.height * panel.h;
    var inside = px >= panel.box[0] && px <= panel.box[0] + panel.box[2] && py >= panel.box[1] && py <= panel.box[1] + panel.box[3];
    hide(panel);
    if (!inside) { return; }
    if (panel.image) { lines = read(panel, px, py); } else { lines = nearest(panel, px); }
    if (!lines.length) { return; }
    tip.replaceChildren();
    lines.forEach(function (line) {
      var row = document.createElement("div");
      row.textContent = line;
      tip.appendChild(row);
    });
    tip.hidden = false;
    var left = Math.min(event.clientX + 14, document.documentElement.clientWidth - tip.offsetWidth - 6);
    tip.style.left = Math.max(6, left) + "px";
    tip.style.top = Math.max(6, event.clientY - tip.offsetHeight - 12) + "px";
  }
  function nearest(panel, px) {
    var series = panel.series || [], found = [], at = null, gap = Infinity;
    if (panel.marks) {
      series = panel.marks.map(function (mark, i) {
        return { n: mark.name, c: mark.stroke, x: panel.frames[now][i][0], y: panel.frames[now][i][1] };
      });
    }
    series.forEach(function (line) {
      line.x.forEach(function (x) {
        var d = Math.abs(across(panel, x) - px);
        if (d < gap) { gap = d; at = x; }
      });
    });
    if (at === null) { return []; }
    series.forEach(function (line) {
      var best = -1, distance = Infinity;
      line.x.forEach(function (x, i) {
        var d = Math.abs(across(panel, x) - across(panel, at));
        if (d < distance) { distance = d; best = i; }
      });
      if (best < 0 || distance > panel.box[2] * 0.04) { return; }
      found.push(line.n + ": " + number(line.y[best]));
      if (line.c) { make("circle", panel.dots, { cx: across(panel, line.x[best]), cy: down(panel, line.y[best]), r: 4, fill: line.c }); }
    });
    return [panel.x.label.replace(/ \(.*/, "") + " " + number(at)].concat(found.slice(0, 12), found.length > 12 ? ["and " + (found.length - 12) + " more"] : []);
  }
  function read(panel, px, py) {
    var image = panel.image, rows = image.shape[0], columns = image.shape[1];
    var column = Math.min(columns - 1, Math.floor((px - panel.box[0]) / panel.box[2] * columns));
    var row = Math.min(rows - 1, Math.floor((py - panel.box[1]) / panel.box[3] * rows));
    if (image.up) { row = rows - 1 - row; }
    var stored = values(panel, now)[row * columns + column];
    var value = stored === 0 ? "not defined" : number(image.low + (stored - 1) * image.scale);
    if (image.ticks) { return ["steps " + number(image.ticks[column]) + " and " + number(image.ticks[row]), value]; }
    return ["row " + row + ", column " + column, value];
  }

  // -- a training that is still running: only there does the page ask anybody anything --------------
  if (document.body.dataset.live) {
    // What this page shows, and not what the server has when it is first asked: that may be newer.
    var live = document.getElementById("live"), seen = document.body.dataset.live;
    if (sessionStorage.getItem("topolab-scroll")) {
      window.scrollTo(0, Number(sessionStorage.getItem("topolab-scroll")));
      sessionStorage.removeItem("topolab-scroll");
    }
    setInterval(function () {
      fetch("state").then(function (answer) { return answer.json(); }).then(function (state) {
        live.textContent = state.runs.map(function (run) {
          return run.name + ": " + run.state + ", " + run.snapshots + " snapshots" + (run.step === null ? "" : ", step " + run.step);
        }).join(" · ") + (state.error ? " · " + state.error : state.now === state.built ? "" : " · a new report is being built");
        if (state.built !== seen && !state.error) {
          sessionStorage.setItem("topolab-scroll", String(window.scrollY));
          location.reload();
        }
      }, function () { live.textContent = "The server has gone. This page stays as it is."; });
    }, 2000);
  }

  // -- one control for all -----------------------------------------------------------------------
  var bar = document.getElementById("time");
  if (!bar) { return; }
  var range = document.getElementById("frame");
  var play = document.getElementById("play");
  var said = document.getElementById("moment");
  var timer = null;
  function show(frame) {
    now = Math.max(0, Math.min(last, frame));
    range.value = String(now);
    range.setAttribute("aria-valuetext", texts[now]);
    said.textContent = texts[now];
    panels.forEach(function (panel) { draw(panel, now); });
  }
  function stop() {
    if (timer !== null) { clearInterval(timer); timer = null; }
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }
  function start() {
    if (now >= last) { show(0); }
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    timer = setInterval(function () {
      if (now + 1 > last) { stop(); } else { show(now + 1); }
    }, Math.max(120, Math.min(450, 12000 / (last + 1))));
  }
  function fromAddress() {
    var found = /^#frame=(\d+)$/.exec(location.hash);
    if (found) { show(Number(found[1])); }
    return found !== null;
  }
  range.addEventListener("input", function () { stop(); show(Number(range.value)); });
  play.addEventListener("click", function () { if (timer === null) { start(); } else { stop(); } });
  document.addEventListener("keydown", function (event) {
    var tag = event.target.tagName;
    if (event.altKey || event.ctrlKey || event.metaKey || tag === "INPUT" || tag === "BUTTON" || event.target.closest(".scroll")) { return; }
    if (event.key === "ArrowRight") { stop(); show(now + 1); event.preventDefault(); }
    if (event.key === "ArrowLeft") { stop(); show(now - 1); event.preventDefault(); }
    if (event.key === "Escape") { panels.forEach(hide); }
  });
  window.addEventListener("hashchange", fromAddress);
  window.addEventListener("beforeprint", stop);
  if (last > 0) { bar.hidden = false; }
  if (!fromAddress()) { show(last); }
})();
