//! Pictures: uploads, and fetching the picture of a code. Documents 90253 and 90256.

use serde::Deserialize;

use super::Wecom;
use crate::platform::{ApiError, Call, Limits, Sent};

static UPLOAD: Call = Call::repeatable("media_upload", "/media/upload");
static UPLOAD_IMAGE: Call = Call::once("media_uploadimg", "/media/uploadimg").limited(Limits::PICTURE);
static PICTURE: Call = Call::repeatable("picture", "").limited(Limits::FETCH);

/// For how many days an upload is good.
pub const MEDIA_LASTS_DAYS: u32 = 3;
/// The largest picture that is uploaded, in bytes.
const UPLOAD_BYTES_MAX: usize = 10 * 1024 * 1024;
/// The largest permanent picture, in bytes.
const IMAGE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The largest picture of a code, in bytes.
const PICTURE_BYTES_MAX: u64 = 1024 * 1024;
/// The longest address of a picture, in bytes.
const URL_BYTES_MAX: usize = 2_048;
/// Hosts that pictures of codes lie on, below and including this one.
const PICTURE_HOST: &str = "qpic.cn";

/// The form of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

#[derive(Deserialize)]
struct Uploaded {
    media_id: String,
}

#[derive(Deserialize)]
struct Hosted {
    url: String,
}

/// One file as a form.
fn form(kind: ImageKind, bytes: &[u8]) -> Sent {
    let boundary = format!("jinqun{:032x}", fastrand::u128(..));
    let (name, content_type) = match kind {
        ImageKind::Png => ("picture.png", "image/png"),
        ImageKind::Jpeg => ("picture.jpg", "image/jpeg"),
    };
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"media\"; filename=\"{name}\"; filelength={}\r\n\
         Content-Type: {content_type}\r\n\r\n",
        bytes.len()
    );
    let foot = format!("\r\n--{boundary}--\r\n");
    Sent::File {
        content_type: format!("multipart/form-data; boundary={boundary}"),
        bytes: [head.as_bytes(), bytes, foot.as_bytes()].concat(),
    }
}

impl Wecom {
    /// Uploads a picture for three days and returns its id.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn upload_media(&self, kind: ImageKind, bytes: &[u8]) -> Result<String, ApiError> {
        if bytes.len() > UPLOAD_BYTES_MAX {
            return Err(ApiError::Unfit { call: UPLOAD.name, what: "the picture is larger than 10 MB" });
        }
        let uploaded: Uploaded = self.ask(&UPLOAD, &[("type", "image")], &form(kind, bytes))?;
        Ok(uploaded.media_id)
    }

    /// Uploads a picture for ever and returns its address, which shows inside `WeCom` only. Few are allowed a day. Not repeated.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn upload_image(&self, kind: ImageKind, bytes: &[u8]) -> Result<String, ApiError> {
        if bytes.len() > IMAGE_BYTES_MAX {
            return Err(ApiError::Unfit { call: UPLOAD_IMAGE.name, what: "the picture is larger than 2 MB" });
        }
        let hosted: Hosted = self.ask(&UPLOAD_IMAGE, &[], &form(kind, bytes))?;
        Ok(hosted.url)
    }

    /// Fetches the picture of a code from the address that a way has; at most 1 MB. What it shows is for the caller to look at.
    ///
    /// # Errors
    /// [`ApiError`]; `Unfit` for an address that is none of the platform's.
    pub fn picture(&self, url: &str) -> Result<Vec<u8>, ApiError> {
        if !self.may_hold_pictures(url) {
            return Err(ApiError::Unfit {
                call: PICTURE.name,
                what: "the picture's address is none of the platform's",
            });
        }
        self.caller.fetch(&PICTURE, url, PICTURE_BYTES_MAX)
    }

    fn may_hold_pictures(&self, url: &str) -> bool {
        if url.len() > URL_BYTES_MAX || !url.bytes().all(|it| it.is_ascii_graphic() && it != b'\\') {
            return false;
        }
        let Some((scheme, rest)) = url.split_once("://") else { return false };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.to_ascii_lowercase();
        let is_theirs = host == PICTURE_HOST || host.strip_suffix(PICTURE_HOST).is_some_and(|it| it.ends_with('.'));
        let base = self.caller.base();
        let is_ours = authority == base.authority() && base.as_str().starts_with(&format!("{scheme}://"));
        // An authority with a user or a port is no host of theirs.
        matches!(scheme, "http" | "https") && (is_theirs && !host.contains(['@', ':']) || is_ours)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_client;

    #[test]
    fn pictures_come_from_the_platform_only() {
        let client = tests_client("https://qyapi.example.com/cgi-bin");
        for good in [
            "http://p.qpic.cn/wwhead/abc/0",
            "https://wework.qpic.cn/wwpic/1/0",
            "https://WEWORK.qpic.cn/x",
            "https://qyapi.example.com/pictures/1",
        ] {
            assert!(client.may_hold_pictures(good), "{good}");
        }
        for bad in [
            "http://169.254.169.254/latest",
            "https://qpic.cn.example.com/x",
            "https://notqpic.cn/x",
            "https://p.qpic.cn@example.com/x",
            "https://p.qpic.cn:8443/x",
            "http://qyapi.example.com/x",
            "ftp://p.qpic.cn/x",
            "file:///etc/passwd",
            "p.qpic.cn/x",
            "https://evil.example\\.qpic.cn/x",
        ] {
            assert!(!client.may_hold_pictures(bad), "{bad}");
        }
    }
}
