//! Finds the font files of a machine, those that suit a Chinese caption first.
//!
//! It judges by names only; what is in a file is `font`'s business.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

/// Where systems keep fonts: Linux and BSD, macOS, Windows.
pub(super) const FOLDERS: &[&str] =
    &["/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "/Library/Fonts", "C:\\Windows\\Fonts"];

/// The most font files that a search looks at.
const FILES_MAX: usize = 4096;

/// How deep a search goes into folders.
const DEPTH_MAX: usize = 6;

/// Upright sans-serif fonts with simplified Chinese, by the beginning of their file names without spaces and
/// hyphens, best first. They are tried before all others.
const PREFERRED: &[&str] = &[
    "notosanscjkregular",
    "notosanscjkscregular",
    "notosansscregular",
    "notosanssc",
    "sourcehansansscregular",
    "sourcehansanscnregular",
    "sourcehansansregular",
    "pingfang",
    "hiraginosansgb",
    "stheitilight",
    "stheitimedium",
    "msyh.",
    "simhei",
    "wqymicrohei",
    "wqyzenhei",
    "droidsansfallback",
];

/// File name parts of styles that are wrong for a caption.
const STYLED: &[&str] =
    &["bold", "black", "italic", "oblique", "light", "thin", "mono", "condensed", "narrow", "serif", "math"];

/// All font files below the folders, the most suitable first, equal ones by path.
pub(super) fn in_folders<P: AsRef<Path>>(folders: &[P]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<(PathBuf, usize)> = folders.iter().map(|it| (it.as_ref().to_owned(), 0)).collect();
    while let Some((folder, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            if path.is_dir() {
                if depth < DEPTH_MAX {
                    open.push((path, depth + 1));
                }
            } else if is_font(&path) && found.len() < FILES_MAX {
                found.push(path);
            }
        }
    }
    found.sort_by_cached_key(|path| (rank(path), path.clone()));
    found
}

fn is_font(path: &Path) -> bool {
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    ["ttf", "otf", "ttc", "otc"].iter().any(|it| extension.eq_ignore_ascii_case(it))
}

/// Preferred fonts in their order, then plain styles, then the others.
fn rank(path: &Path) -> (usize, usize, Reverse<bool>) {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let plain: String = name.to_ascii_lowercase().chars().filter(|c| !matches!(c, ' ' | '-' | '_')).collect();
    let preferred = PREFERRED.iter().position(|it| plain.starts_with(it)).unwrap_or(PREFERRED.len());
    let styles = STYLED.iter().filter(|it| plain.contains(**it)).count();
    (preferred, styles, Reverse(plain.contains("regular")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::rank;

    #[test]
    fn plain_chinese_fonts_are_tried_first() {
        let mut names = [
            "DejaVuSans-Bold.ttf",
            "NotoSerifCJK-Regular.ttc",
            "NotoSansCJK-Bold.ttc",
            "DejaVuSans.ttf",
            "msyhbd.ttc",
            "wqy-microhei.ttc",
            "msyh.ttc",
            "NotoSansCJK-Regular.ttc",
            "LiberationSans-Regular.ttf",
        ];
        names.sort_by_key(|name| rank(Path::new(name)));
        assert_eq!(
            names,
            [
                "NotoSansCJK-Regular.ttc",
                "msyh.ttc",
                "wqy-microhei.ttc",
                "LiberationSans-Regular.ttf",
                "DejaVuSans.ttf",
                "msyhbd.ttc",
                "NotoSerifCJK-Regular.ttc",
                "DejaVuSans-Bold.ttf",
                "NotoSansCJK-Bold.ttc",
            ]
        );
    }
}
