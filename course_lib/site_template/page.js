"use strict";
const root = document.documentElement, at = id => document.getElementById(id);

// ---- light and dark: the button names what it leads to; the choice is kept where the browser allows it
const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const name = () => { at("site-theme").textContent = dark() ? "Light" : "Dark"; };
at("site-theme").onclick = () => {
  root.dataset.theme = dark() ? "light" : "dark";
  try { localStorage["deblur-theme"] = root.dataset.theme; } catch { /* private window */ }
  name();
};
matchMedia("(prefers-color-scheme: dark)").onchange = name;
name();

// ---- the map on a narrow page: it lies over the text until a link, Escape or the button closes it
const map = at("site-map"), menu = open => at("site-menu").setAttribute("aria-expanded", map.classList.toggle("open", open));
at("site-menu").onclick = () => menu();
map.onclick = event => { if (event.target.closest("a")) menu(false); };

// ---- what is wider than the page can be scrolled by keyboard
const scrollable = () => document.querySelectorAll("pre, .scroll, .output, .equation, .long").forEach(one => {
  if (one.scrollWidth > one.clientWidth) one.tabIndex = 0; else one.removeAttribute("tabindex");
});
addEventListener("load", scrollable);
addEventListener("resize", scrollable);

// ---- search: every word must occur; a section whose title begins with them comes first, then those that have them in theirs
const query = at("site-query"), found = at("site-found");
let searchIndex;

query.onfocus = () => {
  if (searchIndex || document.querySelector("script[src='search.js']")) return;
  document.head.append(Object.assign(document.createElement("script"), {src: "search.js", onload: look}));
};

function element(tag, text, ...children) {
  const one = document.createElement(tag);
  one.textContent = text;
  one.append(...children);
  return one;
}

function excerpt(text, words) {
  const lower = text.toLowerCase(), first = Math.max(0, Math.min(...words.map(word => lower.indexOf(word)).filter(i => i >= 0)) - 50);
  const line = element("small", first ? "…" : "");
  const parts = text.slice(first, first + 170).split(new RegExp("(" + words.map(RegExp.escape ?? (w => w.replace(/[^\w\s]/g, "\\$&"))).join("|") + ")", "i"));
  parts.forEach((part, i) => line.append(i % 2 ? element("mark", part) : part));
  return line;
}

function look() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.hidden = !words.length || !searchIndex;
  at("site-count").textContent = "";
  if (found.hidden) return;
  const score = ([page, section, , text]) => {
    const title = (page + " " + section).toLowerCase(), all = title + " " + text.toLowerCase();
    if (!words.every(word => all.includes(word))) return 0;
    return 1 + 20 * section.toLowerCase().startsWith(words.join(" ")) + 5 * words.filter(word => section.toLowerCase().includes(word)).length + 2 * words.filter(word => title.includes(word)).length;
  };
  const hits = searchIndex.map(entry => [score(entry), entry]).filter(([points]) => points).sort((a, b) => b[0] - a[0]);
  found.replaceChildren(...hits.slice(0, 12).map(([, [page, section, address, text]]) => {
    const link = element("a", section ? page + " · " + section : page, excerpt(text, words));
    link.href = address;
    return link;
  }));
  at("site-count").textContent = hits.length + " places found";
  if (hits.length > 12) found.append(element("p", hits.length - 12 + " more: add a word."));
  if (!hits.length) found.append(element("p", "Nothing found for “" + query.value + "”."));
}

query.oninput = look;
found.onclick = () => { found.hidden = true; };
addEventListener("keydown", event => {
  const typing = /^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName);
  if (event.key === "/" && !typing) { event.preventDefault(); query.focus(); }
  if (event.key === "Escape" && map.classList.contains("open")) { menu(false); at("site-menu").focus(); }
  if (event.key === "Escape" && !found.hidden) { found.hidden = true; query.focus(); }
  if (found.hidden || !event.target.closest("search")) return;
  const links = [query, ...found.querySelectorAll("a")], here = links.indexOf(event.target);
  if (event.key === "Enter" && !here) links[1]?.click();
  const there = links[here + {ArrowDown: 1, ArrowUp: -1}[event.key]];
  if (there) { event.preventDefault(); there.focus(); }
});
document.addEventListener("pointerdown", event => { if (!event.target.closest("search")) found.hidden = true; });
