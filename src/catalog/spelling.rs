//! The names and addresses of stores as people type them: in characters, in pinyin, by the initials of pinyin, or mixed.
//!
//! Prepared once for each catalog: two bytes for a character, and each different character once. Readings without tones come
//! from the crate `pinyin`; of a character with several readings every one counts. Says how a text holds a word; which stores
//! are found, and in what order, is for `search`.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use pinyin::ToPinyinMulti as _;

use crate::store::Store;

/// The longest word that is looked for, in characters; what is behind is not read.
pub(super) const WORD_CHARS_MAX: usize = 60;
/// Between the parts of a text, so that no word reaches over them.
const BREAK: char = '\n';

/// Stores whose texts stand beside the others; with more, all are prepared anew.
pub(super) const RESPELT_MAX: usize = 4_096;

/// One different character: itself in lower case, and how it is read.
#[derive(Debug, Clone)]
struct Unit {
    readings: Range<u32>,
    /// A bit for each letter that a reading begins with.
    initials: u32,
}

/// How a text holds a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// The word is the whole text.
    Whole,
    /// It is a part.
    Part,
}

/// Where and how a word may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// At the beginning, in characters or full pinyin.
    Begins,
    /// At the beginning, also by initials.
    BeginsLoosely,
    /// Anywhere, also by initials.
    Anywhere,
}

/// How well a store answers a word: smaller is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is the name or the id.
    Exact,
    /// The name or the id begins with it.
    Begins,
    /// The name begins with it by initials.
    Initials,
    /// The name holds it.
    InName,
    /// Address, district, city, province or id hold it.
    Elsewhere,
}

impl Fit {
    /// Its place in the order, from 0.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Exact => 0,
            Self::Begins => 1,
            Self::Initials => 2,
            Self::InName => 3,
            Self::Elsewhere => 4,
        }
    }
}

/// A word as it was typed, and as the catalog knows its characters.
pub(super) struct Word {
    text: String,
    /// The place of each character among the units; none for one that no store has.
    units: Vec<Option<u16>>,
    /// The bytes behind each character, for comparison with readings.
    tails: Vec<usize>,
}

/// The texts of all stores.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    units: Vec<Unit>,
    readings: Vec<Box<str>>,
    by_char: HashMap<char, u16>,
    /// Two texts for each store: its name, and all else. Shared by the versions of a catalog.
    texts: Arc<Texts>,
    /// Those of stores that have changed since, by key.
    changed: BTreeMap<u32, Texts>,
}

/// Texts one behind the other.
#[derive(Debug, Default, Clone)]
struct Texts {
    units: Vec<u16>,
    starts: Vec<u32>,
}

impl Texts {
    fn get(&self, index: usize) -> &[u16] {
        let at = |index: usize| self.starts.get(index).and_then(|it| usize::try_from(*it).ok()).unwrap_or_default();
        self.units.get(at(index)..at(index + 1)).unwrap_or_default()
    }
}

impl Spellings {
    /// Prepares the texts of stores, in their order.
    pub(super) fn of(stores: &[Store]) -> Self {
        let mut it = Self::default();
        let texts = it.texts_of(stores);
        it.texts = Arc::new(texts);
        it
    }

    /// The same texts but for some stores, by their keys. None if too many have changed since all were prepared.
    pub(super) fn with(&self, stores: &[(u32, &Store)]) -> Option<Self> {
        let (units, readings, by_char) = (self.units.clone(), self.readings.clone(), self.by_char.clone());
        let changed = self.changed.iter().map(|(key, it)| (*key, it.clone())).collect();
        let mut it = Self { units, readings, by_char, texts: Arc::clone(&self.texts), changed };
        for (key, store) in stores {
            let texts = it.texts_of(std::slice::from_ref(*store));
            it.changed.insert(*key, texts);
        }
        (it.changed.len() <= RESPELT_MAX).then_some(it)
    }

    fn texts_of(&mut self, stores: &[Store]) -> Texts {
        let mut texts = Texts { units: Vec::new(), starts: vec![0] };
        for store in stores {
            self.add(&[&store.name], &mut texts);
            let others = [&*store.address, &store.district, &store.city, &store.province, store.id.as_str()];
            self.add(&others, &mut texts);
        }
        texts
    }

    fn add(&mut self, parts: &[&str], texts: &mut Texts) {
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                texts.units.push(self.unit(BREAK));
            }
            for c in lower(part) {
                texts.units.push(self.unit(c));
            }
        }
        texts.starts.push(u32::try_from(texts.units.len()).unwrap_or(u32::MAX));
    }

    fn unit(&mut self, c: char) -> u16 {
        if let Some(unit) = self.by_char.get(&c) {
            return *unit;
        }
        // More different characters than there are numbers share the last one, which no word names.
        let Some(number) = u16::try_from(self.units.len()).ok().filter(|it| *it < u16::MAX) else {
            return u16::MAX;
        };
        let first = self.readings.len();
        let mut readings: Vec<Box<str>> = readings(c);
        readings.sort_unstable();
        readings.dedup();
        let bit = |it: &str| it.bytes().next().map_or(0, |b| 1_u32 << (b - b'a'));
        let initials = readings.iter().fold(0, |bits, it| bits | bit(it));
        self.readings.append(&mut readings);
        let place = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        self.units.push(Unit { readings: place(first)..place(self.readings.len()), initials });
        self.by_char.insert(c, number);
        number
    }

    /// A word to be looked for in these texts.
    pub(super) fn word(&self, text: &str) -> Word {
        let text: String = lower(text).take(WORD_CHARS_MAX).collect();
        let units = text.chars().map(|c| self.by_char.get(&c).copied()).collect();
        let tails = text.char_indices().map(|(at, _)| at).collect();
        Word { text, units, tails }
    }

    /// How well the store with this key answers a word; none if it does not.
    pub(super) fn fit(&self, key: u32, id: &str, word: &Word) -> Option<Fit> {
        let own = if self.changed.is_empty() { None } else { self.changed.get(&key) };
        let place = 2 * usize::try_from(key).ok()?;
        let (texts, place) = own.map_or((&*self.texts, place), |it| (it, 0));
        let (name, others) = (texts.get(place), texts.get(place + 1));
        let is_named = self.holds(name, word, Manner::Anywhere).is_some();
        if !is_named {
            self.holds(others, word, Manner::Anywhere)?;
        }
        let begins = self.holds(name, word, Manner::Begins);
        let id = id.to_lowercase();
        Some(if begins == Some(Hold::Whole) || id == word.text {
            Fit::Exact
        } else if begins.is_some() || id.starts_with(&word.text) {
            Fit::Begins
        } else if is_named && self.holds(name, word, Manner::BeginsLoosely).is_some() {
            Fit::Initials
        } else if is_named {
            Fit::InName
        } else {
            Fit::Elsewhere
        })
    }

    /// Runs over a text once, with a bit for each number of characters of the word that may be read by then: whatever the readings,
    /// the time is bounded by the length of the text times that of the word.
    fn holds(&self, text: &[u16], word: &Word, manner: Manner) -> Option<Hold> {
        let len = word.units.len();
        let mut read = 0_u64;
        let mut held = None;
        for (place, unit) in text.iter().enumerate() {
            if place == 0 || manner == Manner::Anywhere {
                read |= 1;
            }
            if read == 0 {
                break;
            }
            let is_last = place + 1 == text.len();
            let mut next = 0_u64;
            while read != 0 {
                let from = read.trailing_zeros();
                read &= read - 1;
                self.step(*unit, word, usize::try_from(from).unwrap_or_default(), manner, &mut |to, is_full| {
                    if to < len {
                        next |= 1 << to;
                    } else if is_last && is_full && manner != Manner::Anywhere {
                        held = Some(Hold::Whole);
                    } else if held.is_none() {
                        held = Some(Hold::Part);
                    }
                });
            }
            if held.is_some() && (manner == Manner::Anywhere || held == Some(Hold::Whole)) {
                break;
            }
            read = next;
        }
        held
    }

    /// What of a word may be read after one more character of a text, from one place in the word on.
    fn step(&self, unit: u16, word: &Word, from: usize, manner: Manner, reaches: &mut dyn FnMut(usize, bool)) {
        if word.units.get(from) == Some(&Some(unit)) {
            reaches(from + 1, true);
        }
        let tail = word.tails.get(from).and_then(|at| word.text.get(*at..)).unwrap_or_default();
        let Some(letter) = tail.bytes().next().filter(u8::is_ascii_lowercase) else { return };
        let Some(unit) = self.units.get(usize::from(unit)).filter(|it| it.initials >> (letter - b'a') & 1 == 1) else {
            return;
        };
        let range = usize::try_from(unit.readings.start).ok().zip(usize::try_from(unit.readings.end).ok());
        let readings = range.and_then(|(first, end)| self.readings.get(first..end)).unwrap_or_default();
        for reading in readings.iter().filter(|it| it.bytes().next() == Some(letter)) {
            if tail.starts_with(&**reading) {
                reaches(from + reading.len(), true);
            } else if reading.starts_with(tail) {
                // The end of what has been typed so far.
                reaches(word.units.len(), false);
            }
            if manner != Manner::Begins {
                reaches(from + 1, false);
            }
        }
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    };
    text.chars().map(narrow).flat_map(char::to_lowercase)
}

/// The readings of a character without tones, in letters from a to z; ü as v, as keyboards have it, and as u.
fn readings(c: char) -> Vec<Box<str>> {
    let Some(all) = c.to_pinyin_multi() else {
        return Vec::new();
    };
    let mut readings = Vec::new();
    for it in all.into_iter().map(pinyin::Pinyin::plain) {
        let forms = if it.contains('ü') {
            vec![it.replace('ü', "v"), it.replace('ü', "u")]
        } else {
            vec![it.replace('ê', "e")]
        };
        let plain = forms.into_iter().filter(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_lowercase()));
        readings.extend(plain.map(Box::from));
    }
    readings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fit(name: &str, address: &str, word: &str) -> Option<Fit> {
        let store = Store { name: name.into(), address: address.into(), ..Store::sample("SH-1", 31.0, 121.0) };
        let spellings = Spellings::of(&[store]);
        let word = spellings.word(word);
        spellings.fit(0, "SH-1", &word)
    }

    #[test]
    fn a_name_is_found_by_characters_pinyin_and_initials() {
        for (word, expected) in [
            ("王府井", Some(Fit::Exact)),
            ("王府", Some(Fit::Begins)),
            ("府井", Some(Fit::InName)),
            ("wangfujing", Some(Fit::Exact)),
            ("WangFuJing", Some(Fit::Exact)),
            ("ｗａｎｇ", Some(Fit::Begins)),
            ("wangfuj", Some(Fit::Begins)),
            ("wang府", Some(Fit::Begins)),
            ("wfj", Some(Fit::Initials)),
            ("wangfj", Some(Fit::Initials)),
            ("fj", Some(Fit::InName)),
            ("fujing", Some(Fit::InName)),
            ("dajie", Some(Fit::Elsewhere)),
            ("138", Some(Fit::Elsewhere)),
            ("sh-1", Some(Fit::Exact)),
            ("SH", Some(Fit::Begins)),
            ("jingwang", None),
            ("wangx", None),
            ("井大", None),
            ("上", None),
        ] {
            assert_eq!(fit("王府井", "大街138号", word), expected, "{word}");
        }
    }

    #[test]
    fn of_a_character_with_several_readings_every_one_counts() {
        for word in ["chongqing", "zhongqing", "cq", "zq"] {
            assert!(fit("重庆北路店", "", word).is_some(), "{word}");
        }
        for word in ["lvzhou", "luzhou", "lz"] {
            assert!(fit("绿洲店", "", word).is_some(), "{word}");
        }
        assert!(fit("女人街店", "", "nv").is_some());
    }

    #[test]
    fn other_letters_are_found_letter_by_letter() {
        assert_eq!(fit("Kafé NEXT店", "", "kafé"), Some(Fit::Begins));
        assert_eq!(fit("Kafé NEXT店", "", "next店"), Some(Fit::InName));
        assert_eq!(fit("Kafé NEXT店", "", "nx"), None, "letters have no initials");
        assert_eq!(fit("", "", "x"), None);
    }

    #[test]
    fn a_word_made_to_be_slow_is_not() {
        let (name, word) = ("啊".repeat(200), "a".repeat(1_000));
        assert_eq!(fit(&name, &"石狮是时十".repeat(100), &word), Some(Fit::Begins));
        assert_eq!(fit(&name, &"石狮是时十".repeat(100), &"shi".repeat(300)), Some(Fit::Elsewhere));
        assert_eq!(fit(&name, &"石狮是时十".repeat(100), &format!("{}q", "shi".repeat(10))), None);
    }

    proptest! {
        #[test]
        fn every_spelling_of_a_name_finds_it(places in prop::collection::vec((0_usize..12, any::<u8>()), 1..12), junk in ".{0,80}") {
            // Each character with two of its spellings, the full reading and the first letter.
            const SPELLED: [(char, &str); 12] = [
                ('王', "wang"), ('府', "fu"), ('井', "jing"), ('重', "chong"), ('庆', "qing"), ('绿', "lv"),
                ('洲', "zhou"), ('外', "wai"), ('滩', "tan"), ('西', "xi"), ('安', "an"), ('长', "zhang"),
            ];
            let name: String = places.iter().map(|(it, _)| SPELLED[*it].0).collect();
            let typed: String = places
                .iter()
                .map(|(it, manner)| {
                    let (c, reading) = SPELLED[*it];
                    match manner % 3 {
                        0 => c.to_string(),
                        1 => reading.to_owned(),
                        _ => reading.chars().take(1).collect(),
                    }
                })
                .collect();
            prop_assert!(fit(&name, "", &typed).is_some_and(|it| it <= Fit::Initials), "{} by {}", name, typed);
            prop_assert!(fit("", &name, &typed).is_some());
            fit(&name, &junk, &junk);
        }
    }
}
