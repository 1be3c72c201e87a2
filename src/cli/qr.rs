//! `jinqun qr`: the landing code of a campaign, ready to print.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::printer::Output;
use super::{Common, End, Printer, unfit};
use crate::app::load_catalog;
use crate::catalog::Catalog;
use crate::config::Flags;
use crate::id::CampaignSlug;
use crate::qr::{Code, Font, Poster, SIZE_PX_MAX};
use crate::startup;

/// Write the landing code of a campaign, ready to print
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun qr default --out code.pdf --caption 扫码加入门店群")]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// The campaign's short name
    campaign: String,
    /// The file to write; its ending says the format: .svg, .png or .pdf
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Words below the code
    #[arg(long, value_name = "TEXT")]
    caption: Option<String>,
    /// The font of the caption (TTF, OTF or TTC) [default: one of this machine's]
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let config = self.common.load(Flags::new())?;
        let slug =
            CampaignSlug::parse(&self.campaign).map_err(|error| unfit(format!("the campaign's name {error}")))?;
        let storage = startup::open_storage(&config)?;
        let version = storage.current_version()?;
        let catalog = if version == 0 { Catalog::empty() } else { load_catalog(&*storage, version)? };
        if catalog.campaign(&slug).is_none() {
            let names: Vec<_> = catalog.campaigns().map(|it| it.slug.as_str()).collect();
            return Err(unfit(format!("there is no campaign {slug}; there are: {}", names.join(", "))));
        }
        let base = config.public_url.clone().unwrap_or_else(|| format!("http://{}", config.listen));
        if config.public_url.is_none() {
            printer.note(format!(
                "public_url is not set: this code leads to {base}, which phones do not reach. Set it before printing."
            ));
        }
        let link = if slug == CampaignSlug::default_slug() { format!("{base}/") } else { format!("{base}/s/{slug}") };
        let code = Code::printed(&link)?;
        let font = self.font.as_deref().map(Font::open).transpose()?;
        let poster = Poster::new(&code, self.caption.as_deref(), font.as_ref())?;
        let bytes = match self.out.extension().and_then(|it| it.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("svg") => poster.svg().into_bytes(),
            Some("png") => poster.png(SIZE_PX_MAX)?,
            Some("pdf") => poster.pdf()?,
            _ => return Err(unfit(format!("{} does not end in .svg, .png or .pdf", self.out.display()))),
        };
        let mut out = Output::open(Some(&self.out))?;
        out.write_all(&bytes)?;
        out.finish()?;
        printer.line(format!("{} leads to {link}", self.out.display()))?;
        Ok(End::Success)
    }
}
