//! Files that people upload: one field of a form, read into memory under a limit. What a file holds is for whoever reads it.

use std::future::Future;
use std::pin::Pin;

use actix_multipart::form::bytes::Bytes;
use actix_multipart::form::{FieldReader as _, Limits, MultipartCollect, MultipartForm, MultipartFormConfig, State};
use actix_multipart::{Field, MultipartError};
use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{FromRequest as _, HttpRequest};

use super::problem::Problem;
use crate::app::UPLOAD_BYTES_MAX;

/// The field that holds the file.
const FIELD: &str = "file";
/// Bytes of a form beside its file.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// The longest name of a file that is kept, in characters.
const NAME_CHARS_MAX: usize = 120;

/// How forms are read.
pub(super) fn config() -> MultipartFormConfig {
    MultipartFormConfig::default()
        .total_limit(UPLOAD_BYTES_MAX + FORM_BYTES_MAX)
        .memory_limit(UPLOAD_BYTES_MAX + FORM_BYTES_MAX)
}

/// A file.
pub(super) struct Upload {
    /// What it is called, without folders.
    pub(super) name: String,
    /// What it holds.
    pub(super) bytes: Vec<u8>,
}

/// Reads the file of a form. Call it once it is known that the sender may send one.
pub(super) async fn read(request: &HttpRequest, payload: Payload) -> Result<Upload, Problem> {
    let form = MultipartForm::<Form>::from_request(request, &mut payload.into_inner()).await;
    let form = form.map_err(|error| match error.error_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::file_too_large(UPLOAD_BYTES_MAX),
        _ => Problem::no_file(),
    })?;
    let file = form.into_inner().0;
    if file.data.is_empty() {
        return Err(Problem::no_file());
    }
    Ok(Upload { name: plain_name(file.file_name.as_deref().unwrap_or_default()), bytes: Vec::from(file.data) })
}

/// The name without folders and control characters.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|it| !it.is_control()).take(NAME_CHARS_MAX).collect();
    if plain.trim().is_empty() { "file".to_owned() } else { plain }
}

struct Form(Bytes);

impl MultipartCollect for Form {
    fn limit(field: &str) -> Option<usize> {
        Some(if field == FIELD { UPLOAD_BYTES_MAX } else { FORM_BYTES_MAX })
    }

    fn handle_field<'t>(
        request: &'t HttpRequest,
        field: Field,
        limits: &'t mut Limits,
        state: &'t mut State,
    ) -> Pin<Box<dyn Future<Output = Result<(), MultipartError>> + 't>> {
        Box::pin(async move {
            let is_file = field.name() == Some(FIELD);
            let read = Bytes::read_field(request, field, limits).await?;
            if is_file {
                state.insert(FIELD.to_owned(), Box::new(read));
            }
            Ok(())
        })
    }

    fn from_state(mut state: State) -> Result<Self, MultipartError> {
        let file = state.remove(FIELD).and_then(|it| it.downcast::<Bytes>().ok());
        file.map(|it| Self(*it)).ok_or_else(|| MultipartError::MissingField(FIELD.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn a_name_is_only_a_name() {
        assert_eq!(plain_name("C:\\数据\\门店.xlsx"), "门店.xlsx");
        assert_eq!(plain_name("../../etc/passwd\r\nX: 1"), "passwdX: 1");
        assert_eq!(plain_name(""), "file");
    }
}
