// Locust's tabs show tables of its own alone. This one leads to the comparison page, as does a link in the header, for
// before the first run there are no tabs.
const page = document.querySelector("script[data-page]").dataset.page;

document.addEventListener("click", (event) => {
  const tab = event.target.closest('[role="tab"]');
  if (tab?.textContent.trim() !== "Compare") return;
  event.stopPropagation();
  location.assign(page);
}, { capture: true });

document.head.append(Object.assign(document.createElement("style"), {
  textContent: `
    #compare-link { position: absolute; left: 236px; top: 50%; translate: 0 -50%; color: inherit; font: 500 15px Roboto, sans-serif; }
    @media (max-width: 960px) { #compare-link { left: 16px; top: auto; bottom: 2px; translate: none; font-size: 13px; } }`,
}));

const addLink = () => {
  const header = document.querySelector("header");
  if (!header || document.getElementById("compare-link")) return;
  header.style.position = "relative";
  header.append(Object.assign(document.createElement("a"), { id: "compare-link", href: page, textContent: "Compare services" }));
};

new MutationObserver(addLink).observe(document.getElementById("root"), { childList: true, subtree: true });
addLink();
