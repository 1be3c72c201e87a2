//! Times the real server against a bare actix handler that returns the same bytes, and durable scans a second.
//!
//! `cargo bench --bench http` prints Markdown tables. `-- nearest` or `-- scans` runs one half; `--rounds N`, `--seconds N`,
//! `--stores N` and `--connections N` change the load, `--workers N` those of the scans, `--rate N` sends no more than so many a
//! second, `--program FILE` measures another build of the program. `--contacts` leads to contacts, so that scans take no seats.
//! `--storage URL` keeps records elsewhere than in a file, for example in an empty Redis.
//! `-- import` imports `--imported N` stores (100,000) through the API while it scans, see `import`.

#![expect(clippy::print_stdout, reason = "printing the tables is what it is for")]

mod bare;
#[path = "../parts/cities.rs"]
mod cities;
mod import;
mod load;
mod metrics;
mod process;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use jinqun::geo::Position;

use cities::Places;
use load::{Load, Report, ask_once};
use process::Server;

const QUERIES: u32 = 20_000;
const GET_METRICS: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: bench\r\n\r\n";
/// How often to look whether all records have reached storage, and how often at the most.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS_MAX: u32 = 600;

/// What was asked for.
struct Asked {
    halves: Vec<String>,
    program: PathBuf,
    stores: u32,
    imported: u32,
    connections: usize,
    rounds: usize,
    seconds: u64,
    workers: usize,
    rate: Option<u32>,
    contacts: bool,
    storage: Option<String>,
}

impl Asked {
    fn read() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let after = |name: &str| {
            let mut rest = arguments.iter().skip_while(|it| *it != name);
            rest.nth(1).cloned()
        };
        let number = |name: &str, default: u32| after(name).map_or(default, |it| it.parse().expect("a number"));
        let size = |name, default| usize::try_from(number(name, default)).expect("is small");
        let named = |it: &&String| ["nearest", "scans", "import"].contains(&it.as_str());
        Self {
            halves: arguments.iter().filter(named).cloned().collect(),
            program: after("--program").map_or(env!("CARGO_BIN_EXE_jinqun").into(), PathBuf::from),
            stores: number("--stores", 10_000),
            imported: number("--imported", 100_000),
            connections: size("--connections", 64),
            rounds: size("--rounds", 5),
            seconds: number("--seconds", 4).into(),
            workers: size("--workers", 2),
            rate: Some(number("--rate", 0)).filter(|it| *it > 0),
            contacts: arguments.iter().any(|it| it == "--contacts"),
            storage: after("--storage"),
        }
    }

    fn wants(&self, half: &str) -> bool {
        self.halves.is_empty() || self.halves.iter().any(|it| it == half)
    }
}

fn main() {
    let mut arguments = std::env::args().skip_while(|it| it != "--bare").skip(1);
    if let (Some(path), Some(workers)) = (arguments.next(), arguments.next()) {
        return bare::serve(Path::new(&path), workers.parse().expect("a number of workers"));
    }
    let asked = Asked::read();
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let mut places = Places::new();
    let bench = Bench { folder: folder.path(), asked: &asked };
    bench.import(&places.stores(asked.stores));
    if asked.wants("nearest") {
        bench.nearest(&places.queries(QUERIES));
    }
    if asked.wants("scans") {
        // Customers are where stores are.
        bench.scans(&places.stores(QUERIES));
    }
    // Only where it is asked for: it leaves a larger chain behind.
    if asked.halves.iter().any(|it| it == "import") {
        let queries = places.stores(QUERIES);
        bench.scans_during_an_import(&queries, &places.stores(asked.imported));
    }
}

/// A chain in a folder of its own.
struct Bench<'a> {
    folder: &'a Path,
    asked: &'a Asked,
}

/// What one server did in one round.
struct Round {
    report: Report,
    cpu_us: f64,
}

impl Bench<'_> {
    fn program(&self, workers: usize) -> Command {
        let mut command = Command::new(&self.asked.program);
        command
            .env("JINQUN_DATA_DIR", self.folder)
            .env("JINQUN_LISTEN", "127.0.0.1:0")
            .env("JINQUN_WORKERS", workers.to_string())
            .env("JINQUN_LOG", "warn");
        if let Some(storage) = &self.asked.storage {
            command.env("JINQUN_STORAGE", storage);
        }
        command
    }

    fn import(&self, stores: &[Position]) {
        let path = self.folder.join("stores.csv");
        std::fs::write(&path, sheet(stores)).expect("the folder is writable");
        self.run(&["import", "stores", "--datum", "wgs84"], &path);
        if self.asked.contacts {
            let path = self.folder.join("campaigns.toml");
            let text = "[[campaign]]\nslug = \"default\"\nname = \"青禾咖啡\"\nmode = \"contact\"\n";
            std::fs::write(&path, text).expect("the folder is writable");
            self.run(&["import", "campaigns"], &path);
        }
    }

    fn run(&self, words: &[&str], path: &Path) {
        let done = self.program(1).args(words).arg(path).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.expect("the program starts").success(), "it imports");
    }

    fn real(&self, workers: usize) -> Server {
        Server::start(self.program(workers).arg("serve"))
    }

    fn load(&self, requests: Vec<Vec<u8>>, status: u16) -> Load {
        Load {
            requests: Rc::new(requests),
            connections: self.asked.connections,
            seconds: self.asked.seconds,
            status,
            rate: self.asked.rate,
        }
    }

    /// Both servers in turns, so that a noisy moment hits both; the first turns only warm up.
    fn compare(&self, load: &Load, servers: [&Server; 2]) -> [Vec<Round>; 2] {
        let mut rounds = [Vec::new(), Vec::new()];
        let warm = Load { seconds: 1, ..load.clone() };
        for server in servers {
            warm.run(server.address, 0);
        }
        for round in 0..self.asked.rounds {
            for (server, rounds) in servers.into_iter().zip(&mut rounds) {
                rounds.push(measure(load, server, round * 1_009));
            }
        }
        rounds
    }

    /// `GET /api/v1/nearest`, one worker.
    fn nearest(&self, queries: &[Position]) {
        let requests: Vec<Vec<u8>> = queries.iter().copied().map(get_nearest).collect();
        let real = self.real(1);
        let canned = self.folder.join("nearest.answer");
        let first = requests.first().expect("there are queries");
        bare::keep(&ask_once(real.address, first), &canned);
        let bare = bare_server(&canned, 1);
        let load = self.load(requests, 200);
        let rounds = self.compare(&load, [&bare, &real]);
        let stores = self.asked.stores;
        println!("\n### `GET /api/v1/nearest`, {stores} stores, one worker\n");
        table(["bare handler", "jinqun"], &rounds);
    }

    /// `POST /api/v1/scans`, two workers; then every acknowledged record is looked for in the export.
    fn scans(&self, places: &[Position]) {
        let requests: Vec<Vec<u8>> = places.iter().copied().map(post_scan).collect();
        let workers = self.asked.workers;
        let real = self.real(workers);
        let canned = self.folder.join("scan.answer");
        let first = ask_once(real.address, requests.first().expect("there are places"));
        assert_eq!(first.status, 201, "the first scan is recorded");
        bare::keep(&first, &canned);
        let bare = bare_server(&canned, workers);
        let load = self.load(requests, 201);
        let metrics = || {
            let text = ask_once(real.address, GET_METRICS).body;
            String::from_utf8(text).expect("metrics are text")
        };
        let before = metrics();
        let rounds = self.compare(&load, [&bare, &real]);
        let after = metrics();
        let stores = self.asked.stores;
        println!("\n### `POST /api/v1/scans`, {stores} stores, {workers} workers, recorded before the answer\n");
        table(["bare handler", "jinqun"], &rounds);
        let recorded = metrics::value(&after, "jinqun_commit_wait_seconds_count").expect("the wait is counted");
        let unrecorded = metrics::value(&after, "jinqun_scans_unrecorded_total");
        assert_eq!(unrecorded, Some(0.0), "every 201 is a durable record");
        println!("\n| in the server | p50 ms | p99 ms |\n| --- | ---: | ---: |");
        for (what, name) in [
            ("wait for the commit", "jinqun_commit_wait_seconds"),
            ("one group commit", "jinqun_commit_seconds"),
            ("decision", "jinqun_decision_seconds"),
        ] {
            let at = |share| metrics::quantile(&before, &after, name, share) * 1e3;
            println!("| {what} | {:.3} | {:.3} |", at(0.5), at(0.99));
        }
        let items = |share| metrics::quantile(&before, &after, "jinqun_commit_items", share);
        println!("\nRecords in a group commit: p50 {:.0}, p99 {:.0}.", items(0.5), items(0.99));
        for look in 0.. {
            if metrics::value(&metrics(), "jinqun_outbox_depth") == Some(0.0) {
                break;
            }
            assert!(look < LOOKS_MAX, "the records reach storage");
            std::thread::sleep(LOOK_EVERY);
        }
        real.stop();
        let exported = self.exported();
        println!("{recorded} records acknowledged, {exported} exported.");
        assert!(f64::from(exported).total_cmp(&recorded).is_eq(), "none is lost");
    }

    /// `POST /api/v1/scans` while a workbook of many stores is imported through the API.
    fn scans_during_an_import(&self, queries: &[Position], stores: &[Position]) {
        let path = self.folder.join("chain.xlsx");
        workbook(stores, &path);
        let mut program = self.program(self.asked.workers);
        let real = Server::start(program.env("JINQUN_ADMIN_TOKEN", import::TOKEN).arg("serve"));
        let load = self.load(queries.iter().copied().map(post_scan).collect(), 201);
        Load { seconds: 1, ..load.clone() }.run(real.address, 0);
        println!(
            "\n### Scans while {} stores are imported, {} workers, {} a second\n",
            stores.len(),
            self.asked.workers,
            self.asked.rate.map_or("as many as it takes".to_owned(), |it| it.to_string())
        );
        let (usual, during, imported) = import::measure(&load, self.asked.rounds, real.address, &path);
        let metrics = String::from_utf8(ask_once(real.address, GET_METRICS).body).expect("metrics are text");
        import::tell(&usual, &during, &imported, &metrics);
        assert_eq!(during.bad, 0, "no scan fails");
        real.stop();
    }

    fn exported(&self) -> u32 {
        let path = self.folder.join("tags.jsonl");
        let mut export = self.program(1);
        export.args(["export", "tags", "--format", "jsonl", "--out"]).arg(&path);
        let done = export.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.expect("the program starts").success(), "it exports");
        let text = std::fs::read_to_string(&path).expect("it has written the file");
        u32::try_from(text.lines().count()).expect("fewer than four billion")
    }
}

/// This program again, as the server to compare with.
fn bare_server(canned: &Path, workers: usize) -> Server {
    let this = std::env::current_exe().expect("this program has a file");
    let workers = workers.to_string();
    Server::start(Command::new(this).arg("--bare").arg(canned).arg(workers))
}

fn measure(load: &Load, server: &Server, first: usize) -> Round {
    let before = server.cpu_seconds();
    let report = load.run(server.address, first);
    let used = server.cpu_seconds() - before;
    assert_eq!(report.bad, 0, "every answer is as expected");
    Round { cpu_us: used * 1e6 / report.answers(), report }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

/// Medians over the rounds, the first server being what the second is compared with.
fn table(names: [&str; 2], rounds: &[Vec<Round>; 2]) {
    let [base, _] = rounds;
    println!(
        "| | requests/s | CPU µs a request | × bare CPU (each round) | p50 ms | p99 ms |\n\
         | --- | ---: | ---: | ---: | ---: | ---: |"
    );
    for (name, rounds) in names.into_iter().zip(rounds) {
        let of = |what: &dyn Fn(&Round) -> f64| median(rounds.iter().map(what).collect());
        let ratios: Vec<f64> = rounds.iter().zip(base).map(|(it, base)| it.cpu_us / base.cpu_us).collect();
        let mut each = String::new();
        for ratio in &ratios {
            let _ = write!(each, " {ratio:.2}");
        }
        println!(
            "| {name} | {:.0} | {:.2} | {:.2} ({}) | {:.2} | {:.2} |",
            of(&|it| it.report.per_second()),
            of(&|it| it.cpu_us),
            median(ratios),
            each.trim(),
            of(&|it| it.report.wait_ms(500)),
            of(&|it| it.report.wait_ms(990)),
        );
    }
}

fn get_nearest(at: Position) -> Vec<u8> {
    format!("GET /api/v1/nearest?lat={:.6}&lng={:.6} HTTP/1.1\r\nHost: bench\r\n\r\n", at.lat(), at.lon()).into_bytes()
}

fn post_scan(at: Position) -> Vec<u8> {
    let body =
        format!(r#"{{"position":{{"lat":{:.6},"lng":{:.6},"datum":"wgs84","accuracy_m":20}}}}"#, at.lat(), at.lon());
    format!(
        "POST /api/v1/scans HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A workbook as chains have them: the columns of [`sheet`].
fn workbook(stores: &[Position], path: &Path) {
    let mut book = rust_xlsxwriter::Workbook::new();
    let rows = book.add_worksheet_with_constant_memory().expect("a workbook has a sheet");
    for (row, line) in (0_u32..).zip(sheet(stores).lines()) {
        for (column, cell) in (0_u16..).zip(line.split(',')) {
            let is_degrees = row > 0 && matches!(column, 6 | 7);
            let written = match cell.parse::<f64>() {
                Ok(number) if is_degrees => rows.write_number(row, column, number),
                _ => rows.write_string(row, column, cell),
            };
            written.expect("a workbook holds a million rows");
        }
    }
    book.save(path).expect("the folder is writable");
}

/// A store sheet as chains have them: every store with an address, hours and a group chat.
fn sheet(stores: &[Position]) -> String {
    let mut text = String::from(
        "id,name,address,province,city,district,lat,lng,hours,group_url,group_name,contact_url,contact_name\n",
    );
    for (number, at) in (1_u32..).zip(stores) {
        let _ = writeln!(
            text,
            "S-{number:06},青禾咖啡 {number} 号店,人民路 {number} 号,浙江省,杭州市,西湖区,{:.7},{:.7},08:00-22:00,\
             https://work.weixin.qq.com/gm/{:032x},{number} 号店福利群,https://work.weixin.qq.com/ca/{number:x},{number} 号店店长",
            at.lat(),
            at.lon(),
            u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        );
    }
    text
}
