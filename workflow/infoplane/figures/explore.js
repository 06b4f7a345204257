// The interactive part of the page. What a trace shows stands in its meta (interactive.py);
// here its points are taken from the grid of its card, at the epoch of the slider.
"use strict";
(async () => {
  const root = document.getElementById("explore");
  if (!root) return;
  const find = (what, within = root) => [...within.querySelectorAll(what)];
  const slider = root.querySelector("#epoch");

  const unpacked = async (id) => {
    const text = atob(document.getElementById(id).textContent.trim());
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };

  // ---- grids: columns of values, and texts of them

  // A function of a place, of a column as sheets.written has it.
  const reader = (column) => {
    if (Array.isArray(column)) return (i) => column[i];
    if ("every" in column) return () => column.every;
    return (i) => column.of[column.at[i]];
  };
  const readers = (columns) =>
    Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, reader(column)]));
  const place = (card, [seed, layer, epoch]) =>
    ((seed ?? 0) * card.layers.length + layer) * card.epochs.length + epoch;
  const value = (card, column, point) => {
    const [seed, , epoch] = point;
    if (epoch === null) return null;
    if (column === "epoch") return Math.log1p(card.epochs[epoch]);
    return (seed === null ? card.means : card.of_seeds)[column](place(card, point));
  };
  const bits = (number) => {
    if (number === null || number === undefined) return "–";
    return String(Number(number.toPrecision(3))).replace("-", "−");
  };
  const said = (card, column, point) => {
    const [seed, , epoch] = point;
    if (epoch === null) return "";
    if (column === "epoch") return String(card.epochs[epoch]);
    if (column === "who") {
      if (seed !== null) return `seed ${card.seeds[seed]}`;
      const n = value(card, "n", point);
      return n === 1 ? "1 seed" : `mean of ${n} seeds`;
    }
    const found = value(card, column, point);
    return typeof found === "string" ? found : bits(found);
  };

  // ---- what is switched on

  const chosen = (name) => new Set(find(`input[name=${name}]:checked`).map((box) => box.value));
  const settings = () => ({
    epoch: epochs[Number(slider.value)],
    runs: chosen("run"),
    estimators: chosen("estimator"),
    layers: chosen("layer"),
    seeds: chosen("seed"),
    mean: root.querySelector("#mean").checked,
  });
  // The last epoch of a card up to this one.
  const nearest = (card, epoch) =>
    Math.max(0, card.epochs.findLastIndex((own) => own <= epoch + 1e-9));

  // ---- traces

  const range = (first, last) => Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  const shownLayers = (card, on) =>
    range(0, card.layers.length).filter((i) => !card.estimator || on.layers.has(card.layers[i]));

  const band = (card, trace, meta) => {
    const there = range(0, card.epochs.length).map((e) => {
      const at = [null, meta.layer, e];
      return [value(card, "epoch", at), value(card, meta.y, at), value(card, `${meta.y}_sd`, at)];
    }).filter(([, mean, sd]) => mean !== null && sd !== null);
    const back = [...there].reverse();
    return {
      ...trace,
      x: [...there, ...back].map(([x]) => x),
      y: [...there.map(([, mean, sd]) => mean + sd), ...back.map(([, mean, sd]) => mean - sd)],
    };
  };

  const ends = (card, of, points) => {
    const length = (end) => points.map((point) => {
      const [one, other] = [value(card, of, point), value(card, `${of}_${end}`, point)];
      return one === null || other === null ? 0 : Math.abs(other - one);
    });
    return { array: length("high"), arrayminus: length("low") };
  };

  const filled = (card, trace, on) => {
    const meta = trace.meta;
    const layers = shownLayers(card, on).filter((i) => meta.layer < 0 || i === meta.layer);
    const ofSeeds = meta.rows === "seed";
    if (!layers.length || (!ofSeeds && !on.mean)) return { ...trace, x: [], y: [], visible: false };
    if (meta.rows === "band") return band(card, trace, meta);
    const seeds = ofSeeds
      ? range(0, card.seeds.length).filter((i) => on.seeds.has(String(card.seeds[i])))
      : [null];
    const at = nearest(card, on.epoch);
    const [first, last] = {
      all: [0, card.epochs.length], past: [0, at + 1], now: [at, at + 1],
    }[meta.when];
    const steps = [...range(first, last), ...(ofSeeds && meta.when !== "now" ? [null] : [])];
    const points = seeds.flatMap((s) => layers.flatMap((l) => steps.map((e) => [s, l, e])))
      .filter((point) => !meta.only || value(card, meta.only, point));
    const column = (name) => points.map((point) => value(card, name, point));
    const result = { ...trace, x: column(meta.x), y: column(meta.y) };
    if (meta.said)
      result.customdata = points.map((p) => meta.said.map((name) => said(card, name, p)));
    if (meta.when === "now" && trace.marker) {
      const symbol = column("hollow").map((hollow) => trace.marker.symbol + (hollow ? "-open" : ""));
      result.marker = { ...trace.marker, symbol };
    }
    if (meta.ends) {
      result.error_x = { ...trace.error_x, ...ends(card, meta.x, points) };
      result.error_y = { ...trace.error_y, ...ends(card, meta.y, points) };
    }
    return result;
  };

  // ---- drawing

  const narrow = matchMedia("(pointer: coarse)").matches;
  const config = { displayModeBar: false, responsive: true, doubleClick: "reset+autosize" };
  const draw = async (plot, on) => {
    const card = cards[plot.dataset.card];
    const graph = card.graphs[plot.dataset.graph];
    const layout = { ...graph.layout, uirevision: "kept" };
    if (narrow) layout.dragmode = false; // a finger scrolls the page
    if (graph.name !== "plane") {
      const x = Math.log1p(on.epoch);
      layout.shapes = [{ ...graph.layout.shapes[0], x0: x, x1: x }];
    }
    await Plotly.react(plot, graph.data.map((trace) => filled(card, trace, on)), layout, config);
    plot.dataset.epoch = on.epoch;
  };

  // Only what is in sight is drawn; the rest when it comes into sight.
  const stale = new Set();
  const inSight = new Set();
  const drawStale = () => {
    const on = settings();
    for (const plot of [...stale].filter((plot) => inSight.has(plot))) {
      stale.delete(plot);
      draw(plot, on);
    }
  };
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries)
      isIntersecting ? inSight.add(target) : inSight.delete(target);
    drawStale();
  }, { rootMargin: "300px" });

  const interval = (card, of, point) => {
    const [low, high] = ["low", "high"].map((end) => value(card, `${of}_${end}`, point));
    const kind = value(card, `${of}_kind`, point);
    if (low === null && high === null) return kind;
    return `${bits(low)} to ${bits(high)} (${kind})`;
  };
  const spread = (card, of, point) => {
    const sd = value(card, `${of}_sd`, point);
    return bits(value(card, of, point)) + (sd === null ? "" : ` ± ${bits(sd)}`);
  };
  const row = (...texts) => {
    const made = document.createElement("tr");
    texts.forEach((text) => (made.insertCell().textContent = text));
    return made;
  };
  const list = (shown, on) => {
    const [information, training] = ["#values", "#metrics"].map((id) => root.querySelector(`${id} tbody`));
    const rows = { information: [], training: [] };
    for (const card of shown) {
      const e = nearest(card, on.epoch);
      const head = [card.run, card.estimator, Math.round(card.epochs[e])];
      for (const layer of card.estimator ? shownLayers(card, on) : []) {
        const point = [null, layer, e];
        if (value(card, "ixt", point) === null && value(card, "ity", point) === null) continue;
        rows.information.push(row(...head, card.layers[layer], spread(card, "ixt", point), interval(card, "ixt", point),
          bits(value(card, "cap", point)), spread(card, "ity", point), interval(card, "ity", point),
          value(card, "flags", point)));
      }
      for (const { name, data } of card.estimator ? [] : card.graphs)
        for (const { meta } of data.filter((trace) => trace.meta.rows === "mean"))
          rows.training.push(row(card.run, Math.round(card.epochs[e]), name, meta.y, spread(card, meta.y, [null, 0, e])));
    }
    information?.replaceChildren(...rows.information);
    training?.replaceChildren(...rows.training);
  };

  const update = () => {
    const on = settings();
    slider.ariaValueText = `epoch ${on.epoch}`;
    root.querySelector("#at").textContent = on.epoch.toLocaleString("en");
    const shown = [];
    for (const article of find("article")) {
      const card = cards[article.dataset.card];
      article.hidden = !on.runs.has(card.run) || (card.estimator !== "" && !on.estimators.has(card.estimator));
      if (article.hidden) continue;
      shown.push(card);
      const own = card.epochs[nearest(card, on.epoch)];
      const other = card.estimator && own !== on.epoch;
      article.querySelector(".own").textContent = other ? `measured at epoch ${own}` : "";
      find(".plot", article).forEach((plot) => stale.add(plot));
    }
    list(shown, on);
    drawStale();
  };

  // ---- start

  let epochs, cards;
  try {
    const [library, told] = await Promise.all([unpacked("plotly"), unpacked("told")]);
    const script = document.createElement("script");
    script.textContent = library;
    document.head.append(script);
    ({ epochs, cards } = JSON.parse(told));
  } catch (error) {
    root.querySelector(".failed").hidden = false; // a browser of before 2023
    throw error;
  }
  for (const card of cards) {
    card.means = readers(card.means);
    card.of_seeds = readers(card.of_seeds);
  }
  root.querySelector(".working").hidden = false;
  let waiting = 0;
  const soon = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(update);
  };
  slider.addEventListener("input", soon);
  root.addEventListener("change", (event) => event.target.matches("input[type=checkbox]") && soon());
  find("button[data-all]").forEach((button) => button.addEventListener("click", () => {
    const boxes = find("input[type=checkbox]", button.closest("fieldset"));
    boxes.forEach((box) => (box.checked = button.dataset.all === "on"));
    soon();
  }));
  find(".plot").forEach((plot) => observer.observe(plot));
  update();
  root.dataset.ready = "yes";
})();
