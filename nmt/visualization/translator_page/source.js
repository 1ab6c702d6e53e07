// The text that is typed, and behind it the same text once more, whose words can be pointed at and coloured.

const makeSource = ({ typed, pointed, opened }) => {
  const { element } = page;
  const field = element("textarea", {
    id: "text", dir: "auto", rows: 6, spellcheck: "true", autocomplete: "off",
    placeholder: said.placeholder, "aria-describedby": "count", on: { input: () => typed(field.value) },
  });
  const mirror = element("div", { class: "mirror", "aria-hidden": "true", dir: "auto" });
  const typing = element("div", { class: "typing" }, mirror, field); // both in one language, and so in one font
  const count = element("span", { class: "soft small", id: "count" });
  const clear = element("button", { type: "button", class: "small", on: { click: () => setText("") } }, said.clear);
  const node = element(
    "section",
    { class: "panel side-panel", "aria-label": said.text },
    element("div", { class: "panel-head" }, element("h2", {}, element("label", { for: "text" }, said.text)), clear),
    typing,
    element("div", { class: "foot" }, count),
  );
  let pieces = []; // of each sentence, its elements
  let answer = null; // that the elements are of; null while there is none of this text

  const setText = (text) => {
    field.value = text;
    typed(text);
    field.focus();
  };

  // Shows the text, with the pieces of an answer to it.
  const show = (given) => {
    answer = given;
    const text = field.value;
    count.textContent = said.characters([...text].length);
    clear.disabled = text === "";
    const shown = [];
    let from = 0;
    pieces = (answer?.sentences ?? []).map((sentence) =>
      sentence.pieces.source.map((place) => {
        if (place === null) return null;
        const [begin, end] = [sentence.begin + place.begin, sentence.begin + place.end];
        const piece = element("span", { class: "piece" });
        piece.textContent = text.slice(begin, end);
        shown.push(text.slice(from, begin), piece);
        from = end;
        return piece;
      }),
    );
    // As it is, unlike what `element` makes of it, so that it stands exactly behind the text; and a last line, if empty.
    mirror.replaceChildren(...shown, `${text.slice(from)}\u200b`);
  };

  const placeOf = (node) => {
    for (const [sentence, row] of pieces.entries()) {
      const piece = row.indexOf(node);
      if (piece >= 0) return { side: "source", sentence, piece };
    }
    return null;
  };

  field.addEventListener("pointermove", (event) => {
    const found = document.elementsFromPoint(event.clientX, event.clientY).find((one) => one.parentNode === mirror);
    pointed(found === undefined ? null : placeOf(found));
  });
  field.addEventListener("pointerleave", () => pointed(null));
  field.addEventListener("blur", () => pointed(null));
  // Where the cursor is moved, the word that it stands in, and more of its sentence.
  const atCursor = () => {
    if (answer === null) return;
    const cursor = field.selectionStart;
    const sentence = answer.sentences.findIndex((one) => one.begin <= cursor && cursor <= one.end);
    const piece = answer.sentences[sentence]?.pieces.source.findIndex((place) => {
      const begin = answer.sentences[sentence].begin;
      return place !== null && begin + place.begin <= cursor && cursor < begin + place.end;
    });
    if (sentence >= 0) opened(sentence);
    pointed(piece >= 0 ? { side: "source", sentence, piece } : null);
  };
  field.addEventListener("click", atCursor);
  field.addEventListener("keyup", (event) => {
    if (/^(Arrow|Home|End|Page)/.test(event.key)) atCursor();
  });

  const light = (sentence, weights) => {
    for (const [number, row] of pieces.entries()) {
      row.forEach((piece, place) => piece?.style.setProperty("--weight", number === sentence ? (weights[place] ?? 0) : 0));
    }
  };

  const setLanguage = (code) => {
    typing.lang = code.replaceAll("_", "-");
  };

  return { node, field, setLanguage, show, light };
};
