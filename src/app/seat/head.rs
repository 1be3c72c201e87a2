//! How full a group is, as far as this instance knows: what storage said last, and what was given and shown here since.

use std::mem;

use crate::storage::SeatRules;

/// How full a group is.
#[derive(Default, Clone, Copy)]
pub(super) struct Head {
    /// Members and joins when storage said so last.
    pub(super) sure: u32,
    pub(super) held: u32,
    pub(super) given_back: u32,
    /// 0 if nobody ever said.
    pub(super) counted_at_ms: i64,
    /// Seats given here since.
    pub(super) taken: u32,
    /// Seats shown here that storage has not counted: those of about the length of a hold, and those of before.
    pub(super) shown: u32,
    pub(super) shown_before: u32,
    shown_from_ms: i64,
}

impl Head {
    /// The estimate of heads. What was held when storage was asked last is given back by the end of a hold.
    pub(super) fn heads(&self, now_ms: i64, rules: &SeatRules) -> f64 {
        let is_over = |from_ms: i64| now_ms.saturating_sub(from_ms) > rules.hold_ms;
        let held = f64::from(self.held) + f64::from(self.taken);
        let held = if is_over(self.counted_at_ms) { held * rules.join_rate } else { held };
        let shown = if is_over(self.shown_from_ms.saturating_add(rules.hold_ms)) {
            f64::from(self.shown) * rules.join_rate
        } else {
            f64::from(self.shown)
        };
        let gone = f64::from(self.given_back) + f64::from(self.shown_before);
        f64::from(self.sure) + held + shown + gone * rules.join_rate
    }

    pub(super) fn show(&mut self, now_ms: i64, rules: &SeatRules) {
        if now_ms.saturating_sub(self.shown_from_ms) > rules.hold_ms {
            self.shown_before = self.shown_before.saturating_add(mem::take(&mut self.shown));
            self.shown_from_ms = now_ms;
        }
        self.shown = self.shown.saturating_add(1);
    }

    pub(super) fn unshow(&mut self) {
        if self.shown_before > 0 {
            self.shown_before -= 1;
        } else {
            self.shown = self.shown.saturating_sub(1);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let counts = [self.sure, self.held, self.given_back, self.taken, self.shown, self.shown_before];
        counts.iter().all(|it| *it == 0)
    }
}
