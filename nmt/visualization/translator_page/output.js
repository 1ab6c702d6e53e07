// The translation by one model: words that can be pointed at, and sentences that can be opened.

const makeOutput = (model, { pointed, opened }) => {
  const { element } = page;
  const text = element("div", { class: "translated", dir: "auto", lang: model.target.replaceAll("_", "-"), role: "group", "aria-label": said.wordsHelp });
  const copy = element("button", { type: "button", class: "small copy", disabled: true, on: { click: () => copyAll() } }, said.copy);
  const name = element("h2", {}, said.translation);
  const by = element("p", { class: "soft small by" }, element("bdi", {}, model.name), model.attention === "none" && ` · ${said.noAttention}`);
  const node = element(
    "section",
    { class: "panel side-panel output", "aria-label": said.translationOf(page.readable(model.name)), "data-model": model.name },
    element("div", { class: "panel-head" }, element("div", {}, name, by), copy),
    text,
  );
  let answer = null;
  let words = []; // of each sentence, its elements

  const copyAll = async () => {
    try {
      await navigator.clipboard.writeText(wholeTranslation(answer));
      copy.textContent = said.copied;
    } catch {
      copy.textContent = said.cannotCopy; // where the browser does not let a page that came without TLS
    }
    setTimeout(() => {
      copy.textContent = said.copy;
    }, 1500);
  };

  const makeWord = (letters, sentence, piece, doubted) => {
    const at = { side: "target", sentence, piece };
    const point = () => pointed(at);
    return element(
      "span",
      {
        class: `piece${doubted.has(piece) ? " doubted" : ""}`, role: "button", tabindex: -1,
        on: { pointerenter: point, pointerleave: () => pointed(null), focus: () => hold(at), blur: () => pointed(null), click: () => opened(sentence) },
      },
      letters,
    );
  };

  const makeSentence = (one, number) => {
    const doubted = new Set((one.confidence?.flags ?? []).flatMap((flag) => flag.target_words ?? []));
    const own = one.shown === one.translation; // an alternative has no attention here
    const places = own ? one.pieces.target : placesOf(wordsOf(one.shown), one.shown);
    const shown = [];
    let from = 0;
    words[number] = places.map((place, piece) => {
      if (place === null) return null;
      const word = makeWord(one.shown.slice(place.begin, place.end), number, piece, own ? doubted : new Set());
      shown.push(one.shown.slice(from, place.begin), word);
      from = place.end;
      return word;
    });
    const doubt = 1 - (one.confidence?.probability ?? 1);
    return [one.before, element("span", { class: "sentence", "data-sentence": number, style: { "--doubt": doubt } }, ...shown, one.shown.slice(from))];
  };

  const show = (given) => {
    answer = given;
    words = [];
    const kept = text.contains(document.activeElement);
    text.replaceChildren(...(answer === null ? [] : [...answer.sentences.flatMap(makeSentence), answer.after]));
    node.classList.remove("stale");
    node.removeAttribute("aria-busy");
    copy.disabled = answer === null || answer.sentences.length === 0;
    const first = words.flat().find((word) => word !== null);
    if (first) first.tabIndex = 0;
    if (kept && first) first.focus();
  };

  const wait = () => {
    node.classList.add("stale");
    node.setAttribute("aria-busy", "true");
    copy.disabled = true;
  };

  // One word at a time can be reached by Tab: the last that had the focus.
  const hold = (at) => {
    for (const word of words.flat()) if (word !== null) word.tabIndex = -1;
    words[at.sentence][at.piece].tabIndex = 0;
    pointed(at);
  };

  text.addEventListener("keydown", (event) => {
    const all = words.flat().filter((word) => word !== null);
    const here = all.indexOf(event.target);
    if (here < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const forward = getComputedStyle(text).direction === "rtl" ? -1 : 1;
    const to = { ArrowLeft: here - forward, ArrowRight: here + forward, ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") event.target.click();
    else if (to === undefined) return;
    else all[Math.min(Math.max(to, 0), all.length - 1)].focus();
    event.preventDefault();
  });

  const light = (sentence, weights) => {
    for (const [number, row] of words.entries()) {
      row.forEach((word, place) => word?.style.setProperty("--weight", number === sentence ? (weights[place] ?? 0) : 0));
    }
  };

  const mark = (sentence) => {
    for (const one of text.querySelectorAll(".sentence")) one.classList.toggle("open", Number(one.dataset.sentence) === sentence);
  };

  return { node, model, show, wait, light, mark, isAlone: (alone) => by.classList.toggle("hidden-text", alone && model.attention !== "none"), textOf: (sentence, piece) => words[sentence]?.[piece]?.textContent ?? "" };
};
