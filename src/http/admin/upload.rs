//! Bodies that are a picture: as they are, or as the field `file` of a form. What is read is never served again as it came.

use std::sync::Arc;
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Bytes, Payload};
use actix_web::{FromRequest as _, HttpRequest};
use tokio::sync::Semaphore;

use crate::http::problem::Problem;
use crate::qr::PICTURE_BYTES_MAX;

/// Bytes of a text field of a form.
const FIELD_BYTES_MAX: usize = 1_024;
/// Bytes of a JSON body.
const JSON_BYTES_MAX: usize = 16 * 1_024;
/// Pictures that are unpacked at a time: each may take some hundred megabytes.
const PICTURES_AT_A_TIME: usize = 2;
/// How long a picture waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(5);

/// What a picture may come as.
pub(super) const MEDIA_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "multipart/form-data"];

/// What was sent.
pub(super) enum Upload {
    /// A picture, and the text fields that came with it.
    Picture(Vec<u8>, Vec<(String, String)>),
    /// A JSON body.
    Json(Bytes),
}

/// Reads a body.
///
/// # Errors
/// `413` if it is too large, `400` if it is neither.
pub(super) async fn read(request: &HttpRequest, mut payload: actix_web::dev::Payload) -> Result<Upload, Problem> {
    let media = request.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media == "multipart/form-data" {
        let form = Multipart::from_request(request, &mut payload).await.map_err(|_cause| not_a_form())?;
        return read_form(form).await;
    }
    let is_picture = media.starts_with("image/") || media == "application/octet-stream";
    let limit = if is_picture { PICTURE_BYTES_MAX } else { JSON_BYTES_MAX };
    let payload = Payload::from_request(request, &mut payload).await.map_err(|_cause| not_a_form())?;
    let bytes = payload.to_bytes_limited(limit).await;
    let bytes = bytes.map_err(|_cause| if is_picture { too_large() } else { text_too_large("body", limit) })?;
    let bytes = bytes.map_err(|_cause| not_a_form())?;
    Ok(if is_picture { Upload::Picture(bytes.to_vec(), Vec::new()) } else { Upload::Json(bytes) })
}

fn too_large() -> Problem {
    let message = format!("the picture has more than {} MB", PICTURE_BYTES_MAX >> 20);
    Problem::picture("file", "too_large", message)
}

/// JSON, or a text beside a picture.
fn text_too_large(field: &'static str, bytes_max: usize) -> Problem {
    Problem::picture(field, "too_large", format!("what was sent as text has more than {bytes_max} bytes"))
}

fn not_a_form() -> Problem {
    Problem::picture(
        "file",
        "not_a_picture",
        "send a PNG, JPEG or WebP picture, as it is or as the field file of a form",
    )
}

async fn read_form(mut form: Multipart) -> Result<Upload, Problem> {
    let (mut file, mut fields) = (None, Vec::new());
    while let Some(field) = next(&mut form).await {
        let mut field = field.map_err(|_cause| not_a_form())?;
        let name = field.name().unwrap_or_default().to_owned();
        let limit = if name == "file" { PICTURE_BYTES_MAX } else { FIELD_BYTES_MAX };
        let bytes = field.bytes(limit).await;
        let too_large = |_cause| if name == "file" { too_large() } else { text_too_large("fields", limit) };
        let bytes = bytes.map_err(too_large)?.map_err(|_cause| not_a_form())?;
        if name == "file" {
            file = Some(bytes.to_vec());
        } else if fields.len() < 8 {
            fields.push((name, String::from_utf8_lossy(&bytes).trim().to_owned()));
        }
    }
    Ok(Upload::Picture(file.ok_or_else(not_a_form)?, fields))
}

/// The next field of a form.
async fn next(form: &mut Multipart) -> Option<Result<actix_multipart::Field, actix_multipart::MultipartError>> {
    use futures_core::Stream as _;
    std::future::poll_fn(|context| std::pin::Pin::new(&mut *form).poll_next(context)).await
}

/// The turns of pictures.
pub(in crate::http) struct PictureTurns(Arc<Semaphore>);

impl PictureTurns {
    pub(in crate::http) fn new() -> Self {
        Self(Arc::new(Semaphore::new(PICTURES_AT_A_TIME)))
    }

    /// Does something with a picture on a blocking thread, when it is its turn.
    ///
    /// # Errors
    /// `503` if too many pictures are under way.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let turn = tokio::time::timeout(TURN_WAIT, Arc::clone(&self.0).acquire_owned()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Problem::busy()) };
        web::block(work).await.map_err(|error| Problem::internal(&error))
    }
}

/// The body of a request, unread. A handler that takes it decides how.
pub(super) struct RawBody(pub(super) actix_web::dev::Payload);

impl actix_web::FromRequest for RawBody {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, actix_web::Error>>;

    fn from_request(_request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(Ok(Self(payload.take())))
    }
}
