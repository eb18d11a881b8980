"use strict";
(function () {
  var bar = document.getElementById("time");
  if (!bar) { return; }
  var range = document.getElementById("frame");
  var play = document.getElementById("play");
  var said = document.getElementById("moment");
  var texts = Array.from(document.querySelectorAll("#moments li"), function (li) { return li.textContent; });
  var images = Array.from(document.querySelectorAll("img[data-frame]"));
  var last = texts.length - 1;
  var timer = null;

  function show(frame) {
    frame = Math.max(0, Math.min(last, frame));
    range.value = String(frame);
    range.setAttribute("aria-valuetext", texts[frame]);
    said.textContent = texts[frame];
    images.forEach(function (image) { image.hidden = Number(image.dataset.frame) !== frame; });
  }
  function stop() {
    if (timer !== null) { clearInterval(timer); timer = null; }
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }
  function start() {
    if (Number(range.value) >= last) { show(0); }
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    timer = setInterval(function () {
      var next = Number(range.value) + 1;
      if (next > last) { stop(); } else { show(next); }
    }, 450);
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
    if (event.key === "ArrowRight") { stop(); show(Number(range.value) + 1); event.preventDefault(); }
    if (event.key === "ArrowLeft") { stop(); show(Number(range.value) - 1); event.preventDefault(); }
  });
  window.addEventListener("hashchange", fromAddress);
  window.addEventListener("beforeprint", stop);
  if (last > 0) { bar.hidden = false; }
  if (!fromAddress()) { show(last); }
})();
