// One's own password.
import { Refused, api, t, toast } from "./admin.js";

const form = document.getElementById("password");
const error = form.querySelector(".error");

function say(text, name) {
  error.textContent = text;
  error.hidden = !text;
  if (name) form.elements[name].focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { current, new: fresh, again } = Object.fromEntries(new FormData(form));
  if (fresh !== again) return say(t("两次输入的新密码不同", "These are two different passwords"), "again");
  say("");
  try {
    const { data } = await api("PUT", "session/password", { current, new: fresh });
    // The session is another one now, and so is what changes bear.
    document.querySelector("meta[name=csrf]").content = data.csrf_token;
    form.reset();
    toast(t("密码已修改", "The password is changed"));
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    const isCurrent = refused.errors.some((it) => it.field === "current");
    say(isCurrent ? t("当前密码不对", "The password so far is another one") : refused.message, isCurrent ? "current" : "new");
  }
});
