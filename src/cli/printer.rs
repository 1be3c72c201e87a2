//! Printing: results to standard output, everything else to standard error, colours only where somebody sees them.

use std::io::{self, IsTerminal as _, Stderr, Stdout, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where commands print to.
pub(super) struct Printer {
    is_colourful: bool,
    is_terminal: bool,
    out: Stdout,
    err: Stderr,
}

impl Printer {
    #[expect(
        clippy::disallowed_methods,
        reason = "NO_COLOR is a convention of terminals, not a setting of this service"
    )]
    pub(super) fn new() -> Self {
        let no_colour = std::env::var("NO_COLOR").is_ok_and(|it| !it.is_empty());
        let is_terminal = io::stderr().is_terminal();
        Self { is_colourful: is_terminal && !no_colour, is_terminal, out: io::stdout(), err: io::stderr() }
    }

    /// A line of the result.
    ///
    /// # Errors
    /// The system's, for example when the reader has gone.
    pub(super) fn line(&self, text: impl AsRef<str>) -> io::Result<()> {
        let mut out = self.out.lock();
        writeln!(out, "{}", text.as_ref())?;
        out.flush()
    }

    /// A remark beside the result.
    pub(super) fn note(&self, text: impl AsRef<str>) {
        // Nobody is there to hear that standard error is closed.
        let _ = writeln!(self.err.lock(), "{}", text.as_ref());
    }

    /// An error with the whole chain of its causes.
    pub(super) fn error(&self, error: &anyhow::Error) {
        let (red, plain) = if self.is_colourful { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
        let causes: Vec<String> = error.chain().skip(1).map(|it| format!("\n  because: {it}")).collect();
        self.note(format!("{red}error:{plain} {error}{}", causes.concat()));
    }

    /// A progress bar over bytes on a terminal; nothing elsewhere.
    pub(super) fn bar(&self, total: u64, what: &'static str) -> ProgressBar {
        let target = if self.is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(what);
        let template = "{msg} [{bar:40}] {bytes}/{total_bytes} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// Opens a file for writing, or standard output for none.
pub(super) fn output(path: Option<&std::path::Path>) -> anyhow::Result<Box<dyn Write + Send>> {
    use anyhow::Context as _;
    Ok(match path {
        Some(path) => {
            let file = std::fs::File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
            Box::new(io::BufWriter::new(file))
        }
        None => Box::new(io::BufWriter::new(io::stdout())),
    })
}
