//! Times contenders in turns and takes medians; it knows nothing of what they do.

use std::hint::black_box;
use std::time::Instant;

use jinqun::geo::Position;

const ROUNDS: usize = 5;

/// Something to time, and what it is timed on.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'a str,
    queries: &'a [Position],
    run: Box<dyn FnMut(Position) + 'a>,
}

impl<'a> Contender<'a> {
    pub(crate) fn new<R>(name: &'a str, queries: &'a [Position], run: impl Fn(Position) -> R + 'a) -> Self {
        let run = Box::new(move |from| {
            black_box(run(from));
        });
        Self { name, queries, run }
    }
}

/// The median nanoseconds a query of each contender. They take turns, so that a noisy moment hits all of them.
pub(crate) fn time(contenders: &mut [Contender<'_>]) -> Vec<f64> {
    let mut rounds = vec![Vec::new(); contenders.len()];
    for _ in 0..ROUNDS {
        for (contender, times) in contenders.iter_mut().zip(&mut rounds) {
            let start = Instant::now();
            for &from in contender.queries {
                (contender.run)(from);
            }
            let queries = u32::try_from(contender.queries.len()).expect("there are few queries");
            times.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(queries));
        }
    }
    rounds
        .iter_mut()
        .map(|times| {
            times.sort_by(f64::total_cmp);
            times.get(ROUNDS / 2).copied().unwrap_or_default()
        })
        .collect()
}
