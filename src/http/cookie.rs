//! The cookie that bears the visitor token.

use actix_web::HttpRequest;
use actix_web::http::header::COOKIE;

const NAME: &str = "jinqun";
/// One year: a customer who comes back next season still finds their store.
const MAX_AGE_S: u32 = 31_536_000;

/// The visitor token of a request, unchecked.
pub(super) fn read(request: &HttpRequest) -> Option<String> {
    request
        .headers()
        .get_all(COOKIE)
        .filter_map(|it| it.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim() == NAME)
        .map(|(_, value)| value.trim().to_owned())
}

/// The `Set-Cookie` line for a token. Tokens are of characters that need no quoting.
pub(super) fn write(token: &str, is_https: bool) -> String {
    let secure = if is_https { "; Secure" } else { "" };
    format!("{NAME}={token}; Path=/; Max-Age={MAX_AGE_S}; HttpOnly; SameSite=Lax{secure}")
}
