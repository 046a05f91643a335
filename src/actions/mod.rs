//! What can be changed, a file per noun: the JSON and the pages both call these, so that a change is made one way.

pub mod datasets;
