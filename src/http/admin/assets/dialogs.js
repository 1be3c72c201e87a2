// A dialog with a form: fields, a button, and what the service says of each field.
import { Refused, el, t } from "./admin.js";

/** A labelled field. `hint` stands below it. */
export function field(label, control, hint) {
  return el("label", { class: "field" }, el("span", {}, label), control, hint && el("small", { class: "soft" }, hint));
}

/** A choice of roles. */
export function roles(name, chosen = "viewer", attributes = {}) {
  const option = (role) => el("option", { value: role, selected: role === chosen }, role);
  return el("select", { name, ...attributes }, ["viewer", "ops", "admin"].map(option));
}

/** Shows a form; `send` gets its values and may throw. Resolves to what `send` returns, or to null if it is closed. */
export function form(title, fields, button, send, { dangerous = false } = {}) {
  return new Promise((resolve) => {
    let done = null;
    const error = el("p", { class: "error", role: "alert", hidden: true });
    const go = el("button", { class: dangerous ? "danger" : "primary" }, button);
    const submit = async (event) => {
      event.preventDefault();
      error.hidden = true;
      go.disabled = true;
      try {
        done = await send(Object.fromEntries(new FormData(event.target)));
        dialog.close();
      } catch (refused) {
        if (!(refused instanceof Refused)) throw refused;
        error.textContent = refused.message;
        error.hidden = false;
        const wrong = refused.errors.map((it) => event.target.elements[it.field]).find((it) => it?.focus);
        wrong?.focus();
      } finally {
        go.disabled = false;
      }
    };
    const cancel = el("button", { type: "button", onclick: () => dialog.close() }, t("取消", "Cancel"));
    const dialog = el(
      "dialog",
      { class: "form", "aria-label": title, onclose: () => (dialog.remove(), resolve(done)) },
      el("form", { onsubmit: submit }, el("h2", {}, title), fields, error, el("menu", {}, cancel, go)),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A moment as people of this language write it; a dash for none. */
export function when(text, none = "—") {
  if (!text) return el("span", { class: "soft" }, none);
  const shown = new Date(text).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  return el("time", { datetime: text, title: text }, shown);
}
