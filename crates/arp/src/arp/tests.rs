use super::*;

mod proxy;
mod reception;
