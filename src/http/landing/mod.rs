//! The customer's pages: the landing page, the chooser, and the page of a problem.
//!
//! Rendering only; what the routes do with requests stands beside it.

pub mod chooser;
pub mod client;
pub mod colour;
pub mod hours;
pub mod links;
pub mod parts;
pub mod privacy;
pub mod texts;
pub mod view;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
