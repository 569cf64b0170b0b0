// What makes the page quicker and kinder. Everything works without it: links and forms stay links and forms.
(() => {
  "use strict";

  // Only what lies under the session's own path is taken over; login and logout stay with the browser.
  const prefix = /^\/cpsess\d{10}\//.exec(location.pathname)?.[0];
  const script = document.currentScript?.getAttribute("src");
  const place = () => location.pathname + location.search;
  let shown = place();
  // Whether what is shown answered a POST, so that the address is not its own.
  let answered = false;
  let busy = false;
  let leaving = false;
  addEventListener("pageshow", () => { leaving = false; });

  // --- Going from page to page -------------------------------------------------------------------------------------

  const ours = (url) => prefix && url.origin === location.origin && url.pathname.startsWith(prefix);

  async function ask(url, form) {
    const options = { headers: { Accept: "text/html" } };
    if (form) Object.assign(options, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const reply = await fetch(url, options);
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    const known = page.querySelector("script[src]")?.getAttribute("src") === script;
    if (!page.querySelector("main") || (!known && !form)) throw new Error("not a page of ours");
    if (reply.status === 401) quiet();
    else stay();
    return { reply, page };
  }

  // On any doubt the browser does it. A form that creates is good for one time, so sending it again creates nothing.
  async function go(url, { form, history: how = "push" } = {}) {
    if (busy && form) return;
    if (busy) {
      // If the person does not wait, the browser follows the link itself.
      leaving = true;
      return how === "none" ? location.reload() : location.assign(url);
    }
    busy = true;
    document.querySelector("main").setAttribute("aria-busy", "true");
    try {
      const { reply, page } = await ask(url, form);
      if (leaving) return;
      const own = !form || reply.redirected;
      if (own && how !== "none") {
        const same = answered || reply.url === location.href;
        history[same ? "replaceState" : "pushState"](null, "", reply.url);
      }
      // A question is a step of its own: back leads from it to where it was asked.
      if (!own && url.endsWith("/confirm")) history.pushState(null, "", location.href);
      answered = !own;
      shown = place();
      show(page);
    } catch {
      if (leaving) return;
      if (form) form.submit();
      else location.assign(url);
    } finally {
      busy = false;
      document.querySelector("main").removeAttribute("aria-busy");
    }
  }

  function show(page) {
    wipe();
    const main = page.querySelector("main");
    const first = main.querySelector("[autofocus]") ?? main.querySelector("h1") ?? main;
    first.removeAttribute("autofocus");
    for (const part of ["body > header", "main", "body > footer"]) {
      const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
      if (old && fresh && (part === "main" || old.outerHTML !== fresh.outerHTML)) old.replaceWith(fresh);
    }
    document.title = page.title;
    ready();
    if (first.tabIndex < 0) first.tabIndex = -1;
    scrollTo(0, 0);
    first.focus({ preventScroll: first.matches("h1") });
    // A status is read out when it changes, not when it comes with the page. Meanwhile it keeps its height, so that nothing
    // below it moves under a finger.
    for (const status of main.querySelectorAll(".message[role=status]")) {
      const parts = [...status.childNodes];
      status.style.minHeight = `${status.getBoundingClientRect().height}px`;
      status.replaceChildren();
      setTimeout(() => {
        status.replaceChildren(...parts);
        status.style.minHeight = "";
      }, 100);
    }
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const part = link.getAttribute("href");
    const url = new URL(link.href);
    if (link.target || link.hasAttribute("download") || !(part.startsWith("#") || ours(url))) return;
    event.preventDefault();
    // A step within the page is no step back either.
    if (part.startsWith("#")) document.getElementById(part.slice(1))?.focus();
    else go(url.href);
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const url = new URL(form.action);
    if (event.defaultPrevented || form.target || !ours(url)) return;
    event.preventDefault();
    if (form.method === "post") return go(url.href, { form });
    url.search = new URLSearchParams(new FormData(form));
    go(url.href);
  });

  addEventListener("popstate", () => {
    if (answered || place() !== shown) go(location.href, { history: "none" });
  });

  // --- The token that is shown once --------------------------------------------------------------------------------

  function wipe() {
    const token = document.getElementById("token");
    if (token) token.textContent = "Not shown again";
  }
  addEventListener("pagehide", wipe);

  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    const status = button.parentElement.querySelector("[role=status]");
    try {
      await navigator.clipboard.writeText(source.textContent);
      status.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      status.textContent = "Selected: copy it with your keyboard";
    }
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copy(button);
  });

  // --- Forms -------------------------------------------------------------------------------------------------------

  document.addEventListener("change", (event) => {
    const table = event.target.closest?.("table");
    const all = table?.querySelector("[data-all]");
    if (!all) return;
    const rows = [...table.querySelectorAll("[name=id]")];
    if (event.target === all) rows.forEach((row) => { row.checked = all.checked; });
    const chosen = rows.filter((row) => row.checked).length;
    all.checked = chosen === rows.length;
    all.indeterminate = chosen > 0 && chosen < rows.length;
  });

  // The settings close as menus do.
  const closeSettings = (keep) => document.querySelectorAll("details.gear[open]").forEach((gear) => {
    if (gear !== keep) gear.open = false;
  });
  document.addEventListener("click", (event) => closeSettings(event.target.closest?.("details.gear")));
  document.addEventListener("keydown", (event) => {
    const gear = event.key === "Escape" && document.activeElement?.closest("details.gear[open]");
    if (!gear) return;
    closeSettings();
    gear.querySelector("summary").focus();
  });

  let waiting;
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.dataset?.check) return;
    count(field);
    clearTimeout(waiting);
    waiting = setTimeout(() => check(field), 250);
  });

  function count(field) {
    const left = Number(field.dataset.most) - [...field.value].length;
    field.closest(".field").querySelector("[data-left]").textContent =
      left < 0 ? `${-left} too many.` : `${left} ${left === 1 ? "character" : "characters"} remaining.`;
  }

  // The server alone knows the rules and the names that are taken.
  async function check(field) {
    const name = field.value;
    const live = field.closest(".field").querySelector("[data-live]");
    // The name that a token has needs no check.
    let answer = { ok: true, message: "" };
    if (name && name !== field.dataset.own) {
      answer = undefined;
      try {
        const reply = await fetch(`${field.dataset.check}?${new URLSearchParams({ name })}`);
        if (reply.ok) answer = await reply.json();
      } catch {
        // Sending the form will tell.
      }
    }
    if (field.value !== name || !answer) return;
    // What was wrong with an earlier name; the field still refers to the line.
    field.closest(".field").querySelector(".fault:not([data-live])")?.replaceChildren();
    if (answer.ok) field.removeAttribute("aria-invalid");
    else field.setAttribute("aria-invalid", "true");
    live.classList.toggle("fault", !answer.ok);
    live.classList.toggle("good", answer.ok);
    live.textContent = answer.message;
  }

  // --- The session's end -------------------------------------------------------------------------------------------

  // Who is about to be logged out is told in time, and can stay by one press (WCAG 2.2.1).
  let ending;
  const box = () => document.querySelector("#ending");
  function quiet() {
    clearTimeout(ending);
    if (box()?.matches(":popover-open")) box().hidePopover();
  }
  function stay() {
    quiet();
    const idle = Number(document.body.dataset.idle) * 1000;
    const early = Math.min(120_000, idle / 2);
    if (prefix && idle > 0) ending = setTimeout(() => box()?.showPopover(), Math.min(idle - early, 2 ** 31 - 1));
  }
  document.addEventListener("click", async (event) => {
    if (!event.target.closest?.("#ending button")) return;
    const reply = await fetch(`${prefix}stay`).catch(() => undefined);
    if (reply?.ok) return stay();
    // Nothing typed is taken away: sending it leads to the login.
    box().querySelector("p").textContent = "You have been logged out. Keep what you have typed before you log in again.";
    event.target.hidden = true;
  });

  // --- What is made of a page once it is here ----------------------------------------------------------------------

  const clock = new Intl.DateTimeFormat(undefined, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });

  function ready() {
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
    for (const field of document.querySelectorAll("[data-check]")) count(field);
    for (const time of document.querySelectorAll("main time:not([title])")) {
      const server = `Server time: ${time.textContent}`;
      time.title = server;
      // Isolated, and in its own language: in a page of English a right-to-left date would be put together wrongly.
      const shown = document.createElement("bdi");
      shown.lang = clock.resolvedOptions().locale;
      shown.textContent = clock.format(new Date(time.dateTime));
      time.replaceChildren(shown);
      if (!time.closest("[data-both]")) continue;
      const line = document.createElement("span");
      line.className = "quiet";
      line.textContent = server;
      time.after(line);
    }
  }
  ready();
  stay();
})();
