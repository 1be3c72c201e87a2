//! The program itself dies, or is restarted.

use crate::redis_servers::{Server, wait_until};
use crate::trial::{Records, Trial};

#[test]
fn an_instance_is_killed_and_started_again() {
    let server = Server::start(&[]);
    let mut trial = Trial::start(&server.url(), 2);
    trial.breaks();
    trial.fleet.kill(0);
    trial.visit(100);
    trial.fleet.start_again(0);
    trial.mended(Records::AlsoOfLostAnswers);
}

#[test]
fn an_instance_is_killed_while_it_delivers_again() {
    let server = Server::start(&[]);
    let mut trial = Trial::start(&server.url(), 2);
    trial.breaks();
    server.ask::<()>(&["FLUSHALL"]);
    wait_until("it delivers again", || trial.fleet.to_redeliver(0) > 0);
    trial.fleet.kill(0);
    trial.visit(50);
    trial.fleet.start_again(0);
    trial.mended(Records::AlsoOfLostAnswers);
}

#[test]
fn all_instances_are_restarted_one_after_another() {
    let server = Server::start(&[]);
    let mut trial = Trial::start(&server.url(), 3);
    trial.breaks();
    for number in 0..trial.fleet.len() {
        trial.fleet.stop(number);
        trial.fleet.start_again(number);
        trial.visit(30);
    }
    trial.mended(Records::AlsoOfLostAnswers);
}
