//! The coupons of stores: columns of the store sheet, one for everybody and one for each kind of customer.
//!
//! `coupon_url` or 优惠券链接 is for everybody; with `_` and a kind behind it (`coupon_url_registered`, `优惠券链接_会员`,
//! `coupon_url_gold` for a segment) it is for that kind. 30,000 stores are imported with them as with any other column.

use super::check::is_address;
use super::{Known, Membership, Standing};
use crate::store::Store;

const COLUMNS: [&str; 2] = ["coupon_url", "优惠券链接"];

/// The coupon of a store for a customer: that of their segment, else of being registered or not, else of being new or not, else the
/// common one. What is no https:// address is none.
#[must_use]
pub fn coupon_of(store: &Store, known: &Known) -> Option<String> {
    let mut kinds: Vec<&str> = known.segment.as_deref().into_iter().collect();
    kinds.extend(match known.membership {
        Some(Membership::Registered) => ["registered", "会员"],
        Some(Membership::Unregistered) => ["unregistered", "非会员"],
        None => ["", ""],
    });
    kinds.extend(match known.standing {
        Some(Standing::New) => ["new", "新客"],
        Some(Standing::Returning) => ["returning", "老客"],
        None => ["", ""],
    });
    let of_kind = kinds.iter().filter(|it| !it.is_empty()).flat_map(|kind| COLUMNS.map(|it| format!("{it}_{kind}")));
    let common = COLUMNS.map(ToOwned::to_owned);
    let found = of_kind.chain(common).filter_map(|column| store.extra.get(column.as_str()));
    found.map(|it| it.trim()).find(|it| is_address(it)).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_has_a_coupon_for_each_kind_of_customer_and_one_for_all_others() {
        let mut store = Store::sample("SH-1", 31.2, 121.4);
        for (column, url) in [
            ("优惠券链接", "https://c.example.com/all"),
            ("coupon_url_registered", "https://c.example.com/member"),
            ("优惠券链接_新客", "https://c.example.com/new"),
            ("coupon_url_gold", "https://c.example.com/gold"),
            ("coupon_url_silver", "javascript:alert(1)"),
        ] {
            store.extra.insert(column.into(), url.into());
        }
        let coupon = |segment: Option<&str>, membership, standing| {
            let known = Known { segment: segment.map(str::to_owned), membership, standing, ..Known::default() };
            coupon_of(&store, &known).unwrap()
        };
        let member = Some(Membership::Registered);
        assert_eq!(coupon(Some("gold"), member, Some(Standing::New)), "https://c.example.com/gold");
        assert_eq!(coupon(Some("silver"), member, Some(Standing::New)), "https://c.example.com/member");
        assert_eq!(coupon(None, Some(Membership::Unregistered), Some(Standing::New)), "https://c.example.com/new");
        assert_eq!(coupon(None, None, Some(Standing::Returning)), "https://c.example.com/all");
        assert_eq!(coupon_of(&Store::sample("SH-2", 31.2, 121.4), &Known::default()), None);
    }
}
