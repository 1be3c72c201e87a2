// The sign-in: sends name and password, says what went wrong, and goes where the visitor was going.
import { Refused, api, t } from "./admin.js";

const form = document.querySelector("form");
const error = form.querySelector(".error");
const button = form.querySelector("button");

function say(text) {
  error.textContent = text;
  error.hidden = !text;
}

/** Counts down the seconds that the service asks to wait; the button is back afterwards. */
function wait(seconds) {
  button.disabled = seconds > 0;
  if (seconds <= 0) return say("");
  say(t(`密码错误次数过多，请 ${seconds} 秒后再试`, `Too many wrong passwords; try again in ${seconds} s`));
  setTimeout(() => wait(seconds - 1), 1000);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  say("");
  button.disabled = true;
  const { name, password } = Object.fromEntries(new FormData(form));
  try {
    await api("POST", "session", { name, password });
    location.assign(form.dataset.next);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    button.disabled = false;
    if (refused.status === 401) {
      say(t("用户名或密码不对", "The name or the password is wrong"));
      form.elements.password.select();
    } else if (refused.status === 429) {
      wait(Number(refused.retryAfter) || 1);
    } else {
      say(refused.message);
    }
  }
});
