// What every page shares. `page` is all that other programs need:
//
//   page.data                                the data the page was made with
//   page.main                                the element to fill
//   page.element(tag, properties, ...kids)   a new element of HTML
//   page.svg(tag, properties, ...kids)       a new element of SVG
//   page.readable(text)                      text as a page shows it: to measure it, or for an attribute
//   page.number(value, digits)               a number as text, with a real minus sign
//   page.percent(share)                      0.123 as "12%"
//   page.language                            "ko" where the browser prefers Korean to English, else "en"
//   page.onTheme(run)                        runs now, and whenever the theme or the colours change
//   page.nameThemes(words)                   says `light`, `dark`, `toLight` and `toDark` in other words
//
// Text is only ever given as a kid that is a string, and so never becomes markup; control characters, and those that
// would reorder what is read, are shown by their code points, such as [U+202E]. Properties are attributes, but for
// `class`; `on`, {event: listener}; and `style`, {"--name": value}. One that is null, undefined or false is left out.

const page = (() => {
  const main = document.getElementById("page");
  const themed = [];

  const languages = (navigator.languages ?? [navigator.language]).map((code) => code.toLowerCase().split("-")[0]);
  const language = languages.find((code) => code === "en" || code === "ko") ?? "en";

  const unseen = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;
  const named = (found) => `[U+${found.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
  const readable = (text) => text.replace(unseen, named);

  const fill = (node, properties, kids) => {
    for (const [name, value] of Object.entries(properties ?? {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "on") {
        for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
      } else if (name === "style") {
        for (const [property, setting] of Object.entries(value)) node.style.setProperty(property, setting);
      } else {
        node.setAttribute(name, value === true ? "" : value);
      }
    }
    const shown = kids.flat().filter((kid) => kid !== null && kid !== undefined && kid !== false);
    node.append(...shown.map((kid) => (kid instanceof Node ? kid : readable(String(kid)))));
    return node;
  };

  const element = (tag, properties, ...kids) => fill(document.createElement(tag), properties, kids);
  const svg = (tag, properties, ...kids) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, kids);

  const number = (value, digits = 2) => {
    const text = value.toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  };
  const percent = (share) => {
    const hundredths = share * 100;
    return hundredths > 0 && hundredths < 0.5 ? "<1%" : `${Math.round(hundredths)}%`;
  };

  const darkness = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme ?? (darkness.matches ? "dark" : "light")) === "dark";
  const toggle = element("button", { type: "button", class: "theme", id: "theme" });
  const words = { light: "☀ Light", dark: "☾ Dark", toLight: "Change to the light theme", toDark: "Change to the dark theme" };
  const tell = () => {
    toggle.textContent = isDark() ? words.light : words.dark;
    toggle.setAttribute("aria-label", isDark() ? words.toLight : words.toDark);
    for (const run of themed) run();
  };
  toggle.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    tell();
  });
  darkness.addEventListener("change", tell);
  document.querySelector(".page-header").append(toggle);
  tell();

  const nameThemes = ({ light, dark, toLight, toDark }) => {
    Object.assign(words, { light, dark, toLight, toDark });
    tell();
  };
  const onTheme = (run) => {
    themed.push(run);
    run();
  };
  return { data: JSON.parse(document.getElementById("data").textContent), main, language, element, svg, readable, number, percent, onTheme, nameThemes };
})();
