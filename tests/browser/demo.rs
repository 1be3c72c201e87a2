//! The program under test: `jinqun demo` on a port of its own with a data folder of its own, and the sheet it is filled from.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::driver::http_client;

const PROGRAM: &str = env!("CARGO_BIN_EXE_jinqun");
/// What is not there by then does not come.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Between two looks at something that changes by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Looks until there is something to see, or the time is up.
pub fn poll<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if started.elapsed() > DEADLINE {
            return None;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// A running demo. It ends when this is dropped, in a panic too.
pub struct Demo {
    process: Child,
    /// Kept open, so that the program can go on writing.
    _stdout: BufReader<ChildStdout>,
    url: String,
    folder: TempDir,
}

impl Demo {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with variables of the environment.
    pub fn start_with(environment: &[(String, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log.txt")).unwrap();
        let mut process = Command::new(PROGRAM)
            .args(["demo", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path().join("data"))
            .arg("--outside")
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let Some(url) = first.trim().strip_prefix("listening on ") else {
            let log = fs::read_to_string(folder.path().join("log.txt")).unwrap();
            panic!("the demo does not start: {first}{log}");
        };
        Self { url: url.to_owned(), process, _stdout: stdout, folder }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The value of one line of the metrics; 0 if there is none.
    pub fn metric(&self, name: &str) -> u64 {
        let mut answer = http_client().get(self.url("/metrics")).call().unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        text.lines()
            .filter_map(|line| line.rsplit_once(' '))
            .find(|(it, _)| *it == name)
            .map_or(0, |(_, value)| value.parse().unwrap())
    }

    /// Waits until a metric has a value.
    pub fn metric_becomes(&self, name: &str, value: u64) {
        let seen = poll(|| (self.metric(name) == value).then_some(()));
        assert!(seen.is_some(), "{name} is {}", self.metric(name));
    }

    /// How often the page told of a step.
    pub fn step_becomes(&self, step: &str, times: u64) {
        self.metric_becomes(&format!("jinqun_steps_total{{step=\"{step}\"}}"), times);
    }

    /// Imports a sheet of stores, see [`Demo::import_as`].
    pub fn import(&self, sheet: &str) {
        self.import_as("stores", "sheet.csv", sheet);
    }

    /// Imports campaigns, see [`Demo::import_as`].
    pub fn import_campaigns(&self, text: &str) {
        self.import_as("campaigns", "campaigns.toml", text);
    }

    /// Imports a sheet of groups, see [`Demo::import_as`].
    pub fn import_groups(&self, sheet: &str) {
        self.import_as("groups", "groups.csv", sheet);
    }

    /// Where its data are.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Has another process do something with the same data and these variables; what it printed.
    pub fn run(&self, args: &[&str], environment: &[(String, String)]) -> String {
        let done = Command::new(PROGRAM)
            .args(args)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("JINQUN_DATA_DIR", self.data())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// Imports a file with another process, and waits until it is live here.
    fn import_as(&self, what: &str, file_name: &str, text: &str) {
        let before = self.metric("jinqun_catalog_version");
        let file = self.folder.path().join(file_name);
        fs::write(&file, text).unwrap();
        let done = Command::new(PROGRAM)
            .args(["import", what])
            .arg(file)
            .arg("--data-dir")
            .arg(self.folder.path().join("data"))
            .env_clear()
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        self.metric_becomes("jinqun_catalog_version", before + 1);
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The default campaign's own code.
pub const BRAND_CODE: &str = "https://work.weixin.qq.com/gm/8fafe01002aea917fbcae48507a7a3d8";

/// A row of the bundled sheet.
pub struct Row {
    pub name: String,
    pub address: String,
    pub hours: String,
    pub join: String,
}

/// The row of a store in the bundled sheet.
pub fn row(id: &str) -> Row {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo/stores.csv");
    let mut sheet = csv::Reader::from_path(file).unwrap();
    let header = sheet.headers().unwrap().clone();
    let row = sheet.records().map(Result::unwrap).find(|it| it.get(0) == Some(id)).unwrap();
    let cell = |name: &str| {
        let at = header.iter().position(|it| it == name).unwrap();
        row.get(at).unwrap().to_owned()
    };
    Row { name: cell("name"), address: cell("address"), hours: cell("hours"), join: cell("group_url") }
}
