//! The programs from outside: over HTTP and by signal.

mod runs;
mod support;
