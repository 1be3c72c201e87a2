//! Printing: results to standard output, everything else to standard error, colours only where somebody sees them.

use std::fs::File;
use std::io::{self, IsTerminal as _, Stderr, Stdout, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
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

    /// A progress bar over things on a terminal, whose message says which; nothing elsewhere.
    pub(super) fn counter(&self) -> ProgressBar {
        let target = if self.is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// Where a command writes its result: standard output, or a file that appears whole or not at all.
pub(super) enum Output {
    Standard(io::BufWriter<Stdout>),
    File { writer: io::BufWriter<File>, part: PathBuf, target: PathBuf, is_whole: bool },
}

impl Output {
    /// Opens a file beside the target, or standard output for none.
    pub(super) fn open(target: Option<&Path>) -> anyhow::Result<Self> {
        let Some(target) = target else { return Ok(Self::Standard(io::BufWriter::new(io::stdout()))) };
        let mut name = target.file_name().with_context(|| format!("{} is no file", target.display()))?.to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = target.with_file_name(name);
        let file = File::create(&part).with_context(|| format!("{} cannot be written", target.display()))?;
        Ok(Self::File { writer: io::BufWriter::new(file), part, target: target.to_owned(), is_whole: false })
    }

    /// Puts the file in its place.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.flush().context("the result cannot be written")?;
        if let Self::File { writer, part, target, is_whole } = &mut self {
            let put = writer.get_ref().sync_all().and_then(|()| std::fs::rename(part, &*target));
            put.with_context(|| format!("{} cannot be written", target.display()))?;
            *is_whole = true;
        }
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(writer) => writer.write(bytes),
            Self::File { writer, .. } => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(writer) => writer.flush(),
            Self::File { writer, .. } => writer.flush(),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Self::File { part, is_whole: false, .. } = self {
            // What is left of a result that failed is of no use, and nobody waits for an answer here.
            let _ = std::fs::remove_file(part);
        }
    }
}
