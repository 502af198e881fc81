// Locust's tabs can show only its own tables. This one leads to the live page, and so does a link in the header, because
// there are no tabs before the first run.
const page = document.querySelector("script[data-page]").dataset.page;

document.addEventListener("click", (event) => {
  const tab = event.target.closest('[role="tab"]');
  if (tab?.textContent.trim() !== "Live") return;
  event.stopPropagation();
  location.assign(page);
}, { capture: true });

document.head.append(Object.assign(document.createElement("style"), {
  textContent: `
    #live-link { position: absolute; left: 236px; top: 50%; translate: 0 -50%; color: inherit; font: 500 15px Roboto, sans-serif; }
    @media (max-width: 960px) { #live-link { left: 16px; top: auto; bottom: 2px; translate: none; font-size: 13px; } }`,
}));

const addLink = () => {
  const header = document.querySelector("header");
  if (!header || document.getElementById("live-link")) return;
  header.style.position = "relative";
  header.append(Object.assign(document.createElement("a"), { id: "live-link", href: page, textContent: "Live" }));
};

new MutationObserver(addLink).observe(document.getElementById("root"), { childList: true, subtree: true });
addLink();
