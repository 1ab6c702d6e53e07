// The view as a file of its own: its heading, and its address, which names a sentence and a step: #s=2&t=5.

const readAddress = () => {
  const given = new URLSearchParams(location.hash.slice(1));
  const placeOf = (name, count) => {
    const number = Number(given.get(name) ?? 1);
    return Number.isInteger(number) ? Math.min(Math.max(number, 1), count) - 1 : 0;
  };
  const item = placeOf("s", items.length);
  change({ item, step: placeOf("t", items[item].part?.target_tokens.length ?? 1) });
};

const writeAddress = () => {
  const address = `#s=${view.item + 1}&t=${view.step + 1}`;
  if (location.hash !== address) history.replaceState(null, "", address);
};

showAttention(page.data, page.main);
takeKeys(document);
const heading = document.querySelector(".page-header h1");
heading.textContent = hasAttention ? told.title : told.titleWithout;
heading.after(aboutModel());
document.title = `${page.readable(model.name)}: ${heading.textContent}`;
document.documentElement.lang = page.language;
page.nameThemes(told);

// Inside a frame, as a notebook has it, there is no address.
if (location.protocol !== "about:") {
  if (location.hash) readAddress();
  panels.push({ build() {}, update: writeAddress, follows: ["item", "step"] });
  addEventListener("hashchange", readAddress);
}
