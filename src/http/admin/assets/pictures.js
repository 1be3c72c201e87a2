// Pictures on their way to the service: taken, dropped or pasted, made small enough for a phone's line, sent, and what came of it said plainly.
import { api, t } from "./admin.js";

/** What is sent as it is; everything larger is made smaller first. */
const SMALL_BYTES = 1_500_000;
const SIDE_PX_MAX = 2600;
const KNOWN = ["image/png", "image/jpeg", "image/webp"];

/** Sentences for what a picture is refused for. */
const REFUSALS = {
  not_a_picture: () => t("这不是能打开的图片,请用 PNG、JPEG 或 WebP 格式的截图或照片。", "This is no picture that can be opened. Use a screenshot or photo as PNG, JPEG or WebP."),
  too_large: () => t("图片太大了,请截图后再传。", "The picture is too large. Take a screenshot of it and send that."),
  no_code: () => t("图片里没有找到二维码。请确认整个码都在画面里(小程序的圆形码不能用)。", "No QR code was found in the picture. The whole code must be on it (the round codes of mini programs cannot be used)."),
  unreadable: () => t("看到了二维码,但读不出来。请拍清楚、避开反光,或在微信里保存图片后再传。", "There is a QR code, but it cannot be read. Take it sharp and without reflections, or save the picture in WeChat and send that."),
  several_codes: () => t("图片里有好几个不同的二维码,请裁剪到只剩群码。", "The picture holds several different codes. Cut out the one of the group."),
  not_a_link: () => t("这个二维码里不是链接,不是群码。", "This QR code holds no link; it is not the code of a group."),
  not_https: () => t("这个码的链接不是 https 开头,不是企业微信的群码。", "The link in this code does not begin with https; it is not the code of a WeCom group."),
  host_not_allowed: () => t("这个码指向别的网站,不在允许的名单里。请用企业微信的群码。", "This code leads to a site that is not on the list of allowed ones. Use the code of the WeCom group."),
  mini_program_code: () => t("这是小程序的圆形码,只有微信能读。请换成群的方形二维码。", "This is the round code of a mini program, which only WeChat reads. Use the square code of the group."),
};

/** What is wrong with a picture, in plain words. */
export function refusal(error) {
  const first = error.errors?.[0];
  const sentence = REFUSALS[first?.code]?.();
  if (!sentence) return error.message;
  const hosts = first.code === "several_codes" || first.code === "host_not_allowed" ? first.message.match(/\(([^)]*)\)$|points to ([^,]*),/) : null;
  return hosts ? `${sentence} (${hosts[1] ?? hosts[2]})` : sentence;
}

/** The picture as it is sent: as it is where it is small, else smaller, and in a format that is known everywhere. */
export async function prepared(file) {
  if (file.size <= SMALL_BYTES && KNOWN.includes(file.type)) return file;
  try {
    const picture = await createImageBitmap(file);
    const part = Math.min(1, SIDE_PX_MAX / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * part);
    canvas.height = Math.round(picture.height * part);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? file), "image/jpeg", 0.92));
  } catch {
    return file;
  }
}

/** Sends a picture with PUT; says on the way what is going on. */
export async function send(path, file, { etag, tell = () => {} } = {}) {
  tell(t("正在准备图片…", "Preparing the picture…"));
  const body = await prepared(file);
  tell(t("正在上传并识别…", "Sending and reading it…"));
  return api("PUT", path, body, { etag, type: KNOWN.includes(body.type) ? body.type : "application/octet-stream" });
}

/** The first picture of a drop or a paste. */
export function pictureIn(transfer) {
  return [...(transfer?.files ?? [])].find((it) => it.type.startsWith("image/") || /\.(png|jpe?g|webp)$/i.test(it.name));
}

/** Lets pictures be dropped and pasted on an element. */
export function takesPictures(node, take) {
  let depth = 0;
  const over = (is) => node.classList.toggle("over", is);
  const holds = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  node.addEventListener("dragenter", (event) => holds(event) && (event.preventDefault(), (depth += 1), over(true)));
  node.addEventListener("dragover", (event) => holds(event) && event.preventDefault());
  node.addEventListener("dragleave", (event) => holds(event) && (depth -= 1) <= 0 && ((depth = 0), over(false)));
  node.addEventListener("drop", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    const file = pictureIn(event.dataTransfer);
    if (file) take(file);
  });
  node.addEventListener("paste", (event) => {
    const file = pictureIn(event.clipboardData);
    if (file) (event.preventDefault(), take(file));
  });
}
