//! What pages need of a platform: the signature of its JavaScript interface.

use data_encoding::HEXLOWER;
use sha1::{Digest as _, Sha1};

/// The signature that `wx.config` and `ww.config` want: of the ticket, a nonce, the moment in seconds and the page's address as the
/// browser has it. What follows `#` is left out, as the platform does.
///
/// Who signs any address is an oracle: callers look at the host first.
#[must_use]
pub fn page_signature(ticket: &str, nonce: &str, timestamp_s: i64, url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let text = format!("jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp_s}&url={url}");
    HEXLOWER.encode(&Sha1::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_of_the_documents_is_signed_the_same() {
        let ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg";
        let signed = page_signature(ticket, "Wm3WZYTPz0wzccnW", 1_414_587_457, "http://mp.weixin.qq.com?params=value");
        assert_eq!(signed, "0f9de62fce790f9a083d5c99e95740ceb90c27ed");
        let other =
            page_signature(ticket, "Wm3WZYTPz0wzccnW", 1_414_587_457, "http://mp.weixin.qq.com?params=value#/home");
        assert_eq!(other, signed);
    }

    /// Computed with another library over the same values.
    #[test]
    fn an_address_is_signed_as_the_page_has_it() {
        let sign =
            |url| page_signature("HoagFKDcsGMVCIY2vOjf9synthetic-ticket-0001", "n0nceStr16chars_", 1_700_000_000, url);
        assert_eq!(sign("https://lbs.example.com/r/abc123"), "4e75dbf7f106ecfe9898054df14f6c5d5b3e2462");
        assert_eq!(
            sign("https://lbs.example.com/r/abc123?code=CODE0001&state=xyz"),
            "c2cf537e1b0175f0d6a62b50073dc1605ea46239"
        );
        assert_eq!(
            sign("https://lbs.example.com/r/abc123?city=%E4%B8%8A%E6%B5%B7"),
            "37f5de317c87c2671eef0212424ef2205ae90a2c"
        );
    }
}
